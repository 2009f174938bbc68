/** How far a study has come, read from its folder; nothing is changed. */
import { existsSync } from "node:fs";
import { hostname } from "node:os";
import path from "node:path";
import { Claims } from "../../data/embeddings/claims.js";
import { readCsvLog } from "../../train/csv-log.js";
import { savedCost } from "../efficiency/ask.js";
import type { PlannedRun, StudyPlan } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import type { StudyFolder } from "./layout.js";
import { minutesUsed, readRecord } from "./record.js";
import { knownRoots, type Roots } from "./roots.js";
import { hasWeights, notScored, savedScores, unscored } from "./score-run.js";

/**
 * `waiting`: not begun, or stopped and to be gone on with. `missing`: it cannot be run here, for a data set without a folder or weights that
 * were not brought along.
 * `outdated`: another version of its recipe stands in its place.
 */
export const states = ["done", "running", "waiting", "failed", "missing", "outdated"] as const;
export type RunState = (typeof states)[number];

export interface RunStatus {
  readonly id: string;
  readonly place: string;
  readonly system: string;
  readonly train: string;
  readonly seed: number;
  readonly state: RunState;
  /** Epochs done, of those the recipe has; null where minutes end it. */
  readonly epoch: number;
  readonly epochs: number | null;
  /** Wall time of what is saved; a budget of minutes ends at `ofMinutes`. */
  readonly minutes: number;
  readonly ofMinutes: number | null;
  /** Of the last validation or, once it was scored, of the scores. */
  readonly mIoU: number | null;
  /** Who runs it, why it failed, what is missing. */
  readonly remark: string | null;
}

export interface StudyStatus {
  readonly study: string;
  readonly folder: string;
  readonly counts: Readonly<Record<RunState, number>>;
  readonly runs: readonly RunStatus[];
  /** What systems cost: measured, of those planned. */
  readonly measured: { readonly done: number; readonly of: number };
}

export function studyStatus(study: Study, plan: StudyPlan, folder: StudyFolder, given: Roots = new Map()): StudyStatus {
  const claims = new Claims(folder.claims);
  const roots = knownRoots(study, folder, given);
  const runs = plan.runs.map((run) => runStatus(study, run, folder, claims, roots));
  const count = (state: RunState) => runs.filter((run) => run.state === state).length;
  return {
    study: study.name,
    folder: folder.root,
    counts: Object.fromEntries(states.map((state) => [state, count(state)])) as Record<RunState, number>,
    runs,
    measured: { done: plan.measures.filter((one) => savedCost(folder, one)).length, of: plan.measures.length },
  };
}

function runStatus(study: Study, run: PlannedRun, folder: StudyFolder, claims: Claims, roots: Roots): RunStatus {
  const record = readRecord(folder, run.place);
  const isOurs = record?.id === run.id;
  const log = path.join(folder.run(run.place), "log.csv");
  const rows = isOurs && existsSync(log) ? readCsvLog(log) : [];
  const home = isOurs ? savedScores(study, folder, run, run.train) : undefined;
  const validated = rows.findLast(({ valMIoU }) => valMIoU != null)?.valMIoU ?? null;
  const left = unscored(study, folder, run);
  const [state, remark] = ((): [RunState, string | null] => {
    const owner = claims.holder(run.place);
    const by = owner && `process ${owner.pid}${owner.host === hostname() ? "" : ` of "${owner.host}"`}`;
    if (by !== undefined) return ["running", by];
    if (record !== undefined && !isOurs) return ["outdated", `there: ${record.id}`];
    if (record?.state === "trained" && left.length === 0) return ["done", null];
    if (record?.error !== undefined) return ["failed", record.error];
    const homeless = run.tests.filter((test) => !roots.has(test));
    if (homeless.length > 0) return ["missing", `no folder for ${homeless.join(", ")}: --data ${homeless[0]}=FOLDER`];
    if (record?.state === "trained" && !hasWeights(study, folder, run))
      return ["missing", notScored(study, folder, run, left)];
    if (record?.state === "trained") return ["waiting", `to be scored on ${left.join(", ")}`];
    return ["waiting", record === undefined ? null : "stopped"];
  })();
  return {
    id: run.id,
    place: run.place,
    system: run.system,
    train: run.train,
    seed: run.seed,
    state,
    epoch: rows.at(-1)?.epoch ?? 0,
    epochs: run.budget.minutes === undefined ? run.recipe.train.epochs : null,
    minutes: isOurs ? minutesUsed(record) : 0,
    ofMinutes: run.budget.minutes ?? null,
    mIoU: home?.scores.mIoU ?? validated,
    remark,
  };
}
