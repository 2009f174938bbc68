/** One run of a study from its first step to its last score. */
import { availableParallelism } from "node:os";
import { Problem } from "@adsam/torch/problem";
import type { Claim } from "../../data/embeddings/claims.js";
import type { PlannedRun } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import type { StudyFolder } from "./layout.js";
import { readRecord, writeRecord } from "./record.js";
import type { Roots } from "./roots.js";
import type { StudyOptions } from "./run.js";
import { hasWeights, notScored, savedScores, scoreRun, unscored } from "./score-run.js";
import { takenOver } from "./study-claims.js";
import { trainRun } from "./train-run.js";

/** Trained by this version of its recipe, and scored wherever it is to be. */
export function isDone(study: Study, folder: StudyFolder, run: PlannedRun): boolean {
  const record = readRecord(folder, run.place);
  return record?.id === run.id && record.state === "trained" && unscored(study, folder, run).length === 0;
}

/** `stopped`: saved, to be gone on with. `unscored`: trained, and to be scored on data sets that are not here. */
export type RunEnd =
  | { readonly state: "done" | "stopped" | "unscored"; readonly error?: undefined }
  | { readonly state: "failed"; readonly error: string };

export interface DoRunOptions extends Pick<StudyOptions, "folder" | "jobs" | "signal" | "voice"> {
  readonly claim: Claim;
}

export async function doRun(study: Study, run: PlannedRun, roots: Roots, options: DoRunOptions): Promise<RunEnd> {
  const { folder, jobs, signal, voice, claim } = options;
  const threads = jobs > 1 ? { threads: Math.max(1, Math.floor(availableParallelism() / jobs)) } : {};
  const failed = (error: string): RunEnd => ({ state: "failed", error });
  try {
    const end = await trainRun(run, {
      folder,
      claim,
      root: roots.get(run.train)!,
      ...threads,
      signal,
      onStart: (pid) => voice.processStarted(run, pid),
      onEvent: (name, event) => voice.training(run, name, event),
    });
    if (claim.lost.aborted) return failed(takenOver(claim));
    if (end.state === "failed") return failed(end.error);
    if (end.state === "stopped") return { state: "stopped" };
    const tests = unscored(study, folder, run).filter((test) => roots.has(test));
    if (tests.length > 0 && !hasWeights(study, folder, run)) return failed(notScored(study, folder, run, tests));
    const errors: string[] = [];
    for (const test of tests) {
      if (signal.aborted) return { state: "stopped" };
      voice.scoring(run, test);
      const error = await scoreRun(study, run, test, { folder, roots, ...threads, signal, lost: claim.lost });
      if (error !== undefined) errors.push(error);
      if (!claim.renew()) return failed(takenOver(claim));
      const scores = savedScores(study, folder, run, test)?.scores;
      if (scores) voice.scored(run, test, scores);
    }
    const { error: _, ...record } = readRecord(folder, run.place)!;
    await writeRecord(folder, run.place, errors.length > 0 ? { ...record, error: errors.join("; ") } : record);
    if (errors.length > 0) return failed(errors.join("; "));
    if (unscored(study, folder, run).length === 0) return { state: "done" };
    return { state: signal.aborted ? "stopped" : "unscored" };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return failed(error.message);
  }
}
