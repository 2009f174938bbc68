/**
 * All that a study has measured, gathered into one file, `results.json`: what its report is drawn from. It is written again after each
 * run, from the runs' own files, so that whoever of several machines writes it last writes the same.
 */
import { writeWhole } from "../data/files.js";
import { type SavedCost, savedCost } from "./efficiency/ask.js";
import type { Cost } from "./efficiency/measure.js";
import { jsonText } from "./json-text.js";
import { notesOnMinutes, notesOnPictures } from "./notes.js";
import { planStudy } from "./plan/plan.js";
import type { Study } from "./plan/read.js";
import { resultsFormat, type StudyResults, type StudyRow } from "./results.js";
import { resultRows } from "./rows.js";
import { collectedRun, currentRecord } from "./runner/collect-run.js";
import type { StudyFolder } from "./runner/layout.js";
import { machineTitle, versions } from "./runner/machine.js";
import { readJson } from "./runner/record.js";
import { unmeasured } from "./runner/unmeasured.js";

/** Writes `results.json`. @param commands that led here, kept among those before them */
export async function collectResults(
  study: Study,
  { folder, commands = [] }: { readonly folder: StudyFolder; readonly commands?: readonly string[] },
): Promise<StudyResults> {
  const plan = planStudy(study);
  const runs = plan.runs.map((run) => collectedRun(study, folder, run));
  const begun = plan.runs.flatMap((run) => currentRecord(folder, run) ?? []);
  const costs = plan.measures.flatMap((measure) => {
    const saved = savedCost(folder, measure);
    return saved ? [{ measure, saved }] : [];
  });
  const works = [...begun.flatMap(({ attempts }) => attempts), ...costs.map(({ saved }) => saved)];
  const machines = [...new Set(works.map(({ machine }) => machine))];
  const dates = begun.map(({ date }) => date).sort();
  const colours = coloursOf(study, folder);
  const notes = [...study.notes, ...notesOnMinutes(runs), ...notesOnPictures(runs)];
  const rows = costs.flatMap(({ measure, saved }) => costRows(study, measure, saved));
  const unmeasuredCosts = unmeasured(folder, plan.measures).map(({ measure: { id, system, data }, error }) => ({
    id,
    system,
    test: study.data[data]!.title,
    missing: error ?? "not begun",
  }));
  const results: StudyResults = {
    format: resultsFormat,
    study: study.name,
    ...(study.asked !== undefined && { asked: study.asked }),
    quick: study.quick,
    machine: machines.join("; ") || (await machineTitle("auto")),
    versions: Object.assign(versions(), ...begun.map((record) => record.versions)) as Record<string, string>,
    date: dates.at(-1) ?? new Date().toISOString(),
    commands: [...new Set([...commandsIn(folder), ...commands])],
    systems: Object.entries(study.systems).map(([id, { title, kind }]) => ({ id, title, kind })),
    ...(colours && { colours }),
    rows: resultRows({ study: study.name, runs, rows }).filter((row) => isWanted(study, row)),
    runs,
    ...(unmeasuredCosts.length > 0 && { unmeasured: unmeasuredCosts }),
    ...(notes.length > 0 && { notes }),
  };
  await writeWhole(folder.results, jsonText(results));
  return results;
}

/** The commands that filled a study's folder, as its results tell. */
export const commandsIn = (folder: StudyFolder): string[] =>
  readJson<{ commands?: string[] }>(folder.results)?.commands ?? [];

/** Data sets by their titles, as the runs call them. */
function coloursOf(study: Study, folder: StudyFolder): StudyResults["colours"] {
  const colours = readJson<NonNullable<StudyResults["colours"]>>(folder.colours);
  if (!colours) return undefined;
  const known = Object.entries(colours).filter(([name]) => study.data[name] !== undefined);
  return Object.fromEntries(known.map(([name, table]) => [study.data[name]!.title, table]));
}

/** IoUs of single classes are left out where the experiments that train this system on this data set name others. */
function isWanted(study: Study, { metric, system, train }: StudyRow): boolean {
  if (!metric.startsWith("iou.")) return true;
  const asking = Object.values(study.experiments).filter(
    ({ asks, systems, train: trains }) =>
      asks !== "efficiency" &&
      (systems === "all" || systems.includes(system)) &&
      trains.some((name) => study.data[name]!.title === train),
  );
  return asking.some(({ classes }) => classes === undefined || classes.includes(metric.slice("iou.".length)));
}

/** What the same network costs more or less of on another machine. */
const machineMetrics: ReadonlySet<string> = new Set<keyof Cost>(["latency", "memory", "energy"]);

function costRows(
  study: Study,
  { system, data }: { readonly system: string; readonly data: string },
  { cost, machine }: SavedCost,
): StudyRow[] {
  const { passes: _, ...measured } = cost;
  const test = study.data[data]!.title;
  const none = { train: null, low: null, high: null, seeds: [], minutes: null };
  return Object.entries(measured).flatMap(([metric, value]) =>
    value === null
      ? []
      : [{ study: study.name, system, test, metric, value, ...none, ...(machineMetrics.has(metric) && { machine }) }],
  );
}
