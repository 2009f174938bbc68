/** The report of a study from its folder. */
import { existsSync } from "node:fs";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { collectResults } from "../collect.js";
import type { Study } from "../plan/read.js";
import { readStudyResults } from "../results.js";
import type { StudyFolder } from "../runner/layout.js";
import { type StudyReportFiles, writeStudyReport } from "./write.js";

/**
 * Gathers what there is, and writes the report of it: runs that are missing stand in it with their reason.
 * @param options.to folder to write into
 * @param options.commands that led here since the results were gathered last
 * @throws Problem where the study was never run, and for pictures that cannot be read
 */
export async function reportOfStudy(
  study: Study,
  folder: StudyFolder,
  { to = folder.report, commands }: { readonly to?: string; readonly commands?: readonly string[] } = {},
): Promise<StudyReportFiles> {
  if (!existsSync(folder.results) && !existsSync(path.join(folder.root, "runs"))) {
    const todo = `Run it first, \`adsam study run ${study.given}${study.quick ? " --quick" : ""}\`, or name its folder with --out.`;
    throw new Problem({
      what: `study folder "${folder.root}"`,
      found: "neither runs nor results",
      expected: "a study that was run",
      todo,
    });
  }
  await collectResults(study, { folder, ...(commands && { commands }) });
  return reportOfResults(folder.results, to);
}

/** The report of a study's results, wherever they were measured. @param out folder to write into, `report` beside the file by default */
export async function reportOfResults(file: string, out?: string): Promise<StudyReportFiles> {
  const from = path.dirname(path.resolve(file));
  return writeStudyReport(readStudyResults(file), out ?? path.join(from, "report"), from);
}
