/** A trained run scored on the data sets that the study wants, each once. */
import { existsSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../../data/files.js";
import { lastCheckpoint } from "../../train/run-folder.js";
import type { PlannedRun } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { adsamChild } from "./child.js";
import type { StudyFolder } from "./layout.js";
import { commandLine } from "./machine.js";
import type { Roots } from "./roots.js";

/** The weights that a study scores. */
export const scoredCheckpoint = ({ checkpoint }: Pick<Study, "checkpoint">, out: string): string =>
  checkpoint === "best" ? path.join(out, "best.pth") : lastCheckpoint(out);

/** What is in a file of scores: what `adsam eval --json` printed, and what it was asked. */
export interface SavedScores {
  readonly command: string;
  readonly scores: Readonly<Record<string, unknown>>;
}

/** Data sets that a run has no scores of yet. */
export const unscored = (folder: StudyFolder, { place, tests }: PlannedRun): string[] =>
  tests.filter((test) => !existsSync(folder.scores(place, test)));

/** @returns why there are no scores; undefined where there are, or where the user stopped it */
export async function scoreRun(
  study: Study,
  run: PlannedRun,
  test: string,
  {
    folder,
    roots,
    threads,
    signal,
  }: {
    readonly folder: StudyFolder;
    readonly roots: Roots;
    readonly threads?: number;
    readonly signal?: AbortSignal;
  },
): Promise<string | undefined> {
  const { valSplit, limitVal, kind } = study.data[test]!;
  const reader = kind === "synthetic" || kind === "idd-lite" ? "auto" : kind;
  const asIsRun = run.recipe.run.threads;
  const cores = asIsRun === "auto" ? threads : asIsRun;
  const words = [
    ...["eval", scoredCheckpoint(study, folder.run(run.place)), "--data", roots.get(test)!, "--kind", reader],
    ...["--split", valSplit, "--device", run.recipe.run.device, "--boundary", "--json", "--confusion", "--per-picture"],
    ...(limitVal === undefined ? [] : ["--limit", String(limitVal)]),
    ...(cores === undefined ? [] : ["--threads", String(cores)]),
    ...(test === run.train ? [] : ["--label-map", "auto", "--retention", roots.get(run.train)!]),
  ];
  const { code, stdout, reason } = await adsamChild(words, { ...(signal && { signal }) });
  if (signal?.aborted) return undefined; // scores of a part are none
  if (code !== 0) return `scoring on ${study.data[test]!.title}: ${reason}`;
  const scores = JSON.parse(stdout) as SavedScores["scores"];
  const saved: SavedScores = { command: commandLine(words), scores };
  await writeWhole(folder.scores(run.place, test), `${JSON.stringify(saved)}\n`);
  return undefined;
}
