/** Does what a study has not done yet. */
import { rmSync } from "node:fs";
import { hostname } from "node:os";
import type { Claims } from "../../data/embeddings/claims.js";
import type { TrainEventName, TrainEvents } from "../../train/events.js";
import { collectResults } from "../collect.js";
import { measureSystem, savedCost } from "../efficiency/ask.js";
import type { PlannedMeasure, PlannedRun, StudyPlan } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { doRun, isDone } from "./do-run.js";
import { checkLabelMaps } from "./label-maps.js";
import type { StudyFolder } from "./layout.js";
import { outdated, refuseOutdated } from "./record.js";
import { knownRoots, prepareData, type Roots } from "./roots.js";
import type { SavedScores } from "./score-run.js";
import { claimRun, studyClaims } from "./study-claims.js";

/** What a study tells while it runs. */
export interface StudyVoice {
  drawing(name: string, done: number, total: number): void;
  /** @param place of the run among those to do, from 1 */
  runStarted(run: PlannedRun, place: number, of: number): void;
  training<Name extends TrainEventName>(run: PlannedRun, name: Name, event: TrainEvents[Name]): void;
  /** The process that trains. */
  processStarted(run: PlannedRun, pid: number): void;
  scoring(run: PlannedRun, test: string): void;
  scored(run: PlannedRun, test: string, scores: SavedScores["scores"]): void;
  /** `unscored`: trained, and to be scored on data sets that are not here. */
  runEnded(run: PlannedRun, end: "done" | "stopped" | "failed" | "unscored", error?: string): void;
  measuring(measure: PlannedMeasure): void;
  measureEnded(measure: PlannedMeasure, error?: string): void;
}

export interface StudyOptions {
  readonly folder: StudyFolder;
  /** What is wanted of the study's plan. */
  readonly plan: StudyPlan;
  readonly given: Roots;
  readonly jobs: number;
  /** Deletes and redoes runs whose places hold results of another version. */
  readonly fresh: boolean;
  readonly voice: StudyVoice;
  readonly signal: AbortSignal;
  /** The command line, for the results. */
  readonly command: string;
}

export interface StudySummary {
  /** Done before, or now. */
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly error: string }[];
  /** Runs that other processes are at. */
  readonly elsewhere: readonly { readonly id: string; readonly by: string }[];
  readonly stopped: boolean;
  readonly results: string;
}

/** Claims are said to be held still so often. */
const renewEveryMs = 60_000;

/**
 * Runs, one after another or several at once, in the order of the plan; each is claimed first, so that processes and machines that share
 * the folder share the runs. A run that fails is recorded and the others go on.
 * @throws Problem for data that are not there, and results of another version of a recipe
 */
export async function runStudy(study: Study, options: StudyOptions): Promise<StudySummary> {
  const { folder, plan, signal, voice, fresh, command } = options;
  if (!fresh) refuseOutdated(folder, plan.runs);
  const claims = studyClaims(folder);
  const renewing = setInterval(() => claims.renew(), renewEveryMs);
  renewing.unref();
  try {
    if (fresh) deleteOutdated(folder, plan, claims);
    const todo = plan.runs.filter((run) => !isDone(study, folder, run));
    const measures = plan.measures.filter((measure) => savedCost(folder, measure) === undefined);
    const known = knownRoots(study, folder, options.given);
    const needed = [...todo.map(({ train }) => train), ...measures.map(({ data }) => data)];
    const wanted = new Set([...needed, ...todo.flatMap(({ tests }) => tests.filter((test) => known.has(test)))]);
    const onDraw = voice.drawing.bind(voice);
    const { roots, classes } = await prepareData(study, folder, {
      wanted: [...wanted],
      given: options.given,
      claims,
      onDraw,
      signal,
    });
    await checkLabelMaps(todo, classes);
    const failed: { id: string; error: string }[] = [];
    const elsewhere: { id: string; by: string }[] = [];
    for (const measure of measures) {
      if (signal.aborted) break;
      const claim = claims.take(measure.place);
      if (!claim) continue;
      try {
        if (savedCost(folder, measure)) continue;
        voice.measuring(measure);
        const error = await measureSystem(study, measure, { folder, root: roots.get(measure.data)!, signal });
        if (error !== undefined) failed.push({ id: measure.id, error });
        voice.measureEnded(measure, error);
      } finally {
        claim.release();
      }
    }
    const queue = todo.entries();
    const worker = async () => {
      for (const [i, run] of queue) {
        if (signal.aborted) return;
        const claim = claims.take(run.place);
        if (!claim) {
          const owner = claims.holder(run.place);
          elsewhere.push({
            id: run.id,
            by: owner
              ? `process ${owner.pid} of ${owner.host === hostname() ? "this machine" : `"${owner.host}"`}`
              : "another process",
          });
          continue;
        }
        try {
          if (isDone(study, folder, run)) continue; // by another process, since
          voice.runStarted(run, i + 1, todo.length);
          const error = await doRun(study, run, roots, options);
          if (error !== undefined) failed.push({ id: run.id, error });
          voice.runEnded(
            run,
            error !== undefined
              ? "failed"
              : isDone(study, folder, run)
                ? "done"
                : signal.aborted
                  ? "stopped"
                  : "unscored",
            error,
          );
        } finally {
          claim.release();
        }
        await collectResults(study, { folder, commands: [command] });
      }
    };
    await Promise.all(Array.from({ length: Math.max(1, options.jobs) }, worker));
    await collectResults(study, { folder, commands: [command] });
    const done = plan.runs.filter((run) => isDone(study, folder, run)).length;
    return { done, failed, elsewhere, stopped: signal.aborted, results: folder.results };
  } finally {
    clearInterval(renewing);
    claims.close();
  }
}

/** @throws Problem where a process is at work in one of them */
function deleteOutdated(folder: StudyFolder, { runs }: StudyPlan, claims: Claims): void {
  for (const run of outdated(folder, runs)) {
    const claim = claimRun(claims, folder, run, `to redo it as ${run.id}`);
    rmSync(folder.run(run.place), { recursive: true, force: true });
    claim.release();
  }
}
