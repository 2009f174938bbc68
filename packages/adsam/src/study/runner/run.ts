/** Does what a study has not done yet. */
import type { Claims } from "../../data/embeddings/claims.js";
import type { TrainEventName, TrainEvents } from "../../train/events.js";
import { collectResults } from "../collect.js";
import { measureSystem, savedCost } from "../efficiency/ask.js";
import type { PlannedMeasure, PlannedRun, StudyPlan } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { deleteWhole } from "./cannot-write.js";
import { doClaimed, type Elsewhere } from "./claimed-work.js";
import { currentRecord } from "./collect-run.js";
import { doRun, isDone, type RunEnd } from "./do-run.js";
import { checkLabelMaps } from "./label-maps.js";
import type { StudyFolder } from "./layout.js";
import { outdated, refuseOutdated } from "./record.js";
import { knownRoots, prepareData, type Roots } from "./roots.js";
import { notScored, type SavedScores, unscored } from "./score-run.js";
import { claimRun, studyClaims } from "./study-claims.js";
import { noteMeasured } from "./unmeasured.js";

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
  runEnded(run: PlannedRun, end: RunEnd["state"], error?: string): void;
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
  /** Milliseconds between two looks at what is claimed; default: a minute's. */
  readonly renewEveryMs?: number;
}

export interface StudySummary {
  /** Done before, or now. */
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly error: string }[];
  /** Runs and measurements that other processes are at. */
  readonly elsewhere: readonly { readonly id: string; readonly by: string }[];
  /** Further runs that are not done: of training that was stopped from outside, of data sets that are not here. Empty where all was stopped. */
  readonly left: readonly { readonly id: string; readonly why: string }[];
  readonly stopped: boolean;
  readonly results: string;
}

/** Claims are said to be held still so often. */
const renewEveryMs = 60_000;

/**
 * Runs, one after another or several at once, in the order of the plan; each is claimed first, so that processes and machines that share
 * the folder share the runs. A run that fails is recorded and the others go on; what others were at is looked at once more in the end.
 * @throws Problem for data that are not there, and results of another version of a recipe
 */
export async function runStudy(study: Study, options: StudyOptions): Promise<StudySummary> {
  const { folder, plan, signal, voice, fresh, command, jobs } = options;
  if (!fresh) refuseOutdated(folder, plan.runs);
  const claims = studyClaims(folder);
  const renewing = setInterval(() => claims.renew(), options.renewEveryMs ?? renewEveryMs);
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
    const measured = (pieces: readonly PlannedMeasure[]) =>
      doClaimed(pieces, { claims, workers: 1, signal }, async (measure, { signal }) => {
        if (savedCost(folder, measure)) return; // by another process, since
        voice.measuring(measure);
        const error = await measureSystem(study, measure, { folder, root: roots.get(measure.data)!, signal });
        await noteMeasured(folder, measure, error);
        if (error !== undefined) failed.push({ id: measure.id, error });
        voice.measureEnded(measure, error);
      });
    const done = (pieces: readonly PlannedRun[]) =>
      doClaimed(pieces, { claims, workers: jobs, signal }, async (run, { claim, signal }) => {
        if (isDone(study, folder, run)) return; // likewise
        voice.runStarted(run, todo.indexOf(run) + 1, todo.length);
        const { state, error } = await doRun(study, run, roots, { folder, jobs, voice, signal, claim });
        if (error !== undefined && !claim.lost.aborted) failed.push({ id: run.id, error });
        voice.runEnded(run, state, error);
        await collectResults(study, { folder, commands: [command] });
      });
    const measuredElsewhere = await measured(measures);
    const runElsewhere = await done(todo);
    const elsewhere = signal.aborted
      ? [...measuredElsewhere, ...runElsewhere]
      : [
          ...(await measured(piecesOf(measuredElsewhere))).filter(({ piece }) => !savedCost(folder, piece)),
          ...(await done(piecesOf(runElsewhere))).filter(({ piece }) => !isDone(study, folder, piece)),
        ];
    await collectResults(study, { folder, commands: [command] });
    return summaryOf(study, options, { failed, elsewhere: elsewhere.map(({ piece, by }) => ({ id: piece.id, by })) });
  } finally {
    clearInterval(renewing);
    claims.close();
  }
}

const piecesOf = <T>(elsewhere: readonly Elsewhere<T>[]): T[] => elsewhere.map(({ piece }) => piece);

/** What was done, and of the rest of the plan why not. */
function summaryOf(
  study: Study,
  { folder, plan, signal }: Pick<StudyOptions, "folder" | "plan" | "signal">,
  { failed, elsewhere }: Pick<StudySummary, "failed" | "elsewhere">,
): StudySummary {
  const undone = plan.runs.filter((run) => !isDone(study, folder, run));
  const told = new Set([...failed, ...elsewhere].map(({ id }) => id));
  const why = (run: PlannedRun) =>
    currentRecord(folder, run)?.state === "trained"
      ? notScored(study, folder, run, unscored(study, folder, run))
      : "stopped";
  return {
    done: plan.runs.length - undone.length,
    failed,
    elsewhere,
    left: signal.aborted ? [] : undone.filter(({ id }) => !told.has(id)).map((run) => ({ id: run.id, why: why(run) })),
    stopped: signal.aborted,
    results: folder.results,
  };
}

/** @throws Problem where a process is at work in one of them */
function deleteOutdated(folder: StudyFolder, { runs }: StudyPlan, claims: Claims): void {
  for (const run of outdated(folder, runs)) {
    const claim = claimRun(claims, folder, run, `to redo it as ${run.id}`);
    try {
      deleteWhole(folder.root, folder.run(run.place));
    } finally {
      claim.release();
    }
  }
}
