/** From results to files. */
import path from "node:path";
import { writeWhole } from "../../data/files.js";
import { jsonText } from "../json-text.js";
import type { StudyResults } from "../results.js";
import { resultRows } from "../rows.js";
import { ablationTables, accuracyTables, classTables } from "./accuracy.js";
import { costTables } from "./cost.js";
import { rowsCsv, tableCsv } from "./csv.js";
import { laddersOf, ladderTable } from "./data-efficiency.js";
import { latex } from "./latex.js";
import { learningTables } from "./learning.js";
import { markdown } from "./markdown.js";
import { renderStudyReport } from "./page.js";
import { choosePictures } from "./picture-choice.js";
import { loadPicture } from "./picture-load.js";
import { missingTable, runTable } from "./provenance.js";
import { publishedTable } from "./published-table.js";
import { type StudyView, studyView } from "./study-view.js";
import type { Table } from "./table.js";
import { transferTables } from "./transfer.js";

/** What {@link writeStudyReport} has written. */
export interface StudyReportFiles {
  readonly html: string;
  readonly json: string;
  readonly markdown: string;
  readonly latex: string;
  /** `rows.csv`, then one file a table. */
  readonly csv: readonly string[];
}

/**
 * Writes `report.html` (one file, whole in itself), `report.json`, `tables.md`, `tables.tex`, `rows.csv` and `tables/*.csv`.
 * @param folder to write into; made
 * @param from the folder that the pictures' paths start from
 * @throws Problem for pictures that cannot be read and files that cannot be written
 */
export async function writeStudyReport(results: StudyResults, folder: string, from: string): Promise<StudyReportFiles> {
  const view = studyView(results);
  const choice = choosePictures(view);
  const loaded = new Map();
  for (const { own, shared } of choice)
    for (const chosen of [...own, ...shared]) loaded.set(chosen, await loadPicture(from, chosen.picture));
  const tables = allTables(view);
  const rows = resultRows(results);
  const at = (name: string) => path.join(folder, name);
  const texts = new Map<string, string>([
    [at("report.html"), renderStudyReport(view, choice, loaded)],
    [at("report.json"), reportJson(results, tables)],
    [at("tables.md"), markdown(tables)],
    [at("tables.tex"), latex(tables)],
    [at("rows.csv"), rowsCsv(rows)],
    ...tables.map((table) => [at(path.join("tables", `${table.id}.csv`)), tableCsv(table)] as const),
  ]);
  for (const [file, text] of texts) await writeWhole(file, text);
  const [html, json, md, tex, ...csv] = [...texts.keys()] as [string, string, string, string, ...string[]];
  return { html, json, markdown: md, latex: tex, csv };
}

/** Every table of the report, in its order. */
export function allTables(view: StudyView): Table[] {
  return [
    ...accuracyTables(view),
    ...classTables(view),
    ...ablationTables(view),
    ...learningTables(view),
    ...laddersOf(view).map((ladder) => ladderTable(view, ladder)),
    ...transferTables(view),
    publishedTable(view),
    ...costTables(view),
    missingTable(view),
    runTable(view),
  ].filter((table) => table !== null);
}

/** What was measured, without curves and pictures: rows, tables, and where they come from. */
export function reportJson(results: StudyResults, tables: readonly Table[]): string {
  const { study, asked, quick, machine, versions, date, commands, systems, notes } = results;
  const missing = [...results.runs, ...(results.unmeasured ?? [])].flatMap(({ id, missing }) =>
    missing === undefined ? [] : [{ run: id, reason: missing }],
  );
  const rows = resultRows(results);
  return jsonText({ study, asked, quick, machine, versions, date, commands, systems, notes, missing, rows, tables });
}
