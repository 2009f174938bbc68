/** A trained run scored on the data sets that the study wants, each once. */
import { existsSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../../data/files.js";
import type { KeptPicture } from "../../evaluate/kept-pictures.js";
import type { PlannedRun } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import type { StudyPicture, StudyScores } from "../results.js";
import { deleteWhole } from "./cannot-write.js";
import { adsamChild } from "./child.js";
import { keepsPictures, scoredCheckpoint, scoringOf, scoringWords } from "./evaluation.js";
import type { StudyFolder } from "./layout.js";
import { commandLine } from "./machine.js";
import { readJson } from "./record.js";
import type { Roots } from "./roots.js";

/** What is in a file of scores: what `adsam eval --json` printed, and what it was asked. */
export interface SavedScores {
  /** By `scoringOf`. */
  readonly of: string;
  readonly command: string;
  readonly scores: StudyScores;
  /** Paths relative to the study's folder. */
  readonly pictures?: readonly StudyPicture[];
}

/** Undefined where there are none, or of another scoring. */
export function savedScores(study: Study, folder: StudyFolder, run: PlannedRun, test: string): SavedScores | undefined {
  const saved = readJson<SavedScores>(folder.scores(run.place, test));
  return saved?.of === scoringOf(study, run, test) ? saved : undefined;
}

/** Data sets that a run has no scores of yet. */
export const unscored = (study: Study, folder: StudyFolder, run: PlannedRun): string[] =>
  run.tests.filter((test) => savedScores(study, folder, run, test) === undefined);

/** Why a trained run has no scores on these data sets, if that can be told without trying. */
export function notScored(study: Study, folder: StudyFolder, run: PlannedRun, tests: readonly string[]): string {
  const said = `not scored on ${tests.map((test) => study.data[test]!.title).join(", ")}`;
  if (hasWeights(study, folder, run)) return said;
  const todo = "run the study where it was trained, then gather again; or delete its folder to train it here";
  return `${said}, and its weights (${study.checkpoint}.pth) are not here: ${todo}`;
}

/** Whether there is something to score. */
export const hasWeights = (study: Study, folder: StudyFolder, { place }: PlannedRun): boolean =>
  existsSync(scoredCheckpoint(study, folder.run(place)));

export interface ScoreContext {
  readonly folder: StudyFolder;
  readonly roots: Roots;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  /** Of a run that another process took over. */
  readonly lost?: AbortSignal;
}

/** @returns why there are no scores; undefined where there are, or where the user stopped it */
export async function scoreRun(
  study: Study,
  run: PlannedRun,
  test: string,
  { folder, roots, threads, signal, lost }: ScoreContext,
): Promise<string | undefined> {
  const asIsRun = run.recipe.run.threads;
  const cores = asIsRun === "auto" ? threads : asIsRun;
  const isHome = test === run.train;
  const kept = isHome && keepsPictures(study, run) ? folder.pictures(run.place) : undefined;
  if (kept !== undefined) deleteWhole(folder.root, kept);
  const of = scoringOf(study, run, test); // before a label map may be edited
  const words = [
    ...["eval", scoredCheckpoint(study, folder.run(run.place)), "--data", roots.get(test)!],
    ...["--device", run.recipe.run.device, ...(cores === undefined ? [] : ["--threads", String(cores)])],
    ...scoringWords(study, run, test),
    ...(isHome ? [] : ["--retention", roots.get(run.train)!]),
    ...(kept === undefined ? [] : ["--keep-pictures", kept]),
  ];
  const { code, stdout, reason } = await adsamChild(words, { ...(signal && { signal }), ...(lost && { kill: lost }) });
  if (signal?.aborted || lost?.aborted) return undefined; // scores of a part are none
  if (code !== 0) return `scoring on ${study.data[test]!.title}: ${reason}`;
  const { keptPictures, ...scores } = JSON.parse(stdout) as StudyScores & { keptPictures?: readonly KeptPicture[] };
  const saved: SavedScores = {
    of,
    command: commandLine(words),
    scores,
    ...(keptPictures && { pictures: keptPictures.map((picture) => below(path.relative(folder.root, kept!), picture)) }),
  };
  await writeWhole(folder.scores(run.place, test), `${JSON.stringify(saved)}\n`);
  return undefined;
}

function below(folder: string, { id, mIoU, ...files }: KeptPicture): StudyPicture {
  const [image, label, prediction] = [files.image, files.label, files.prediction].map((file) =>
    path.posix.join(...folder.split(path.sep), file),
  ) as [string, string, string];
  return { id, mIoU, image, label, prediction };
}
