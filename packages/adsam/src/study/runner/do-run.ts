/** One run of a study from its first step to its last score. */
import { availableParallelism } from "node:os";
import { Problem } from "@adsam/torch/problem";
import type { PlannedRun } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import type { StudyFolder } from "./layout.js";
import { readRecord, writeRecord } from "./record.js";
import type { Roots } from "./roots.js";
import type { StudyOptions } from "./run.js";
import { savedScores, scoreRun, unscored } from "./score-run.js";
import { trainRun } from "./train-run.js";

/** Trained by this version of its recipe, and scored wherever it is to be. */
export function isDone(study: Study, folder: StudyFolder, run: PlannedRun): boolean {
  const record = readRecord(folder, run.place);
  return record?.id === run.id && record.state === "trained" && unscored(study, folder, run).length === 0;
}

/** @returns what went wrong; undefined where it is done or was stopped */
export async function doRun(
  study: Study,
  run: PlannedRun,
  roots: Roots,
  { folder, jobs, signal, voice }: Pick<StudyOptions, "folder" | "jobs" | "signal" | "voice">,
): Promise<string | undefined> {
  const threads = jobs > 1 ? { threads: Math.max(1, Math.floor(availableParallelism() / jobs)) } : {};
  try {
    const end = await trainRun(run, {
      folder,
      root: roots.get(run.train)!,
      ...threads,
      signal,
      onStart: (pid) => voice.processStarted(run, pid),
      onEvent: (name, event) => voice.training(run, name, event),
    });
    if (end.state !== "trained") return end.state === "failed" ? end.error : undefined;
    const errors: string[] = [];
    for (const test of unscored(study, folder, run).filter((test) => roots.has(test))) {
      if (signal.aborted) return undefined;
      voice.scoring(run, test);
      const error = await scoreRun(study, run, test, { folder, roots, ...threads, signal });
      if (error !== undefined) errors.push(error);
      const scores = savedScores(study, folder, run, test)?.scores;
      if (scores) voice.scored(run, test, scores);
    }
    const { error: _, ...record } = readRecord(folder, run.place)!;
    await writeRecord(folder, run.place, errors.length > 0 ? { ...record, error: errors.join("; ") } : record);
    return errors.length > 0 ? errors.join("; ") : undefined;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return error.message;
  }
}
