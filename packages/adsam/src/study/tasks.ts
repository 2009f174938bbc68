/** Systems are held against each other on one task: the same data to train on, the same budget. */
import { placeText, sizeOf } from "./budget.js";
import {
  bySeed,
  type Cell,
  countedClasses,
  type Measured,
  measured,
  measuredMIoU,
  mIoUBySeed,
  pairedRuns,
  samePictures,
  scoresIn,
  scoresOn,
} from "./cells.js";
import { retentionMetric } from "./metrics.js";
import type { StudyBudget, StudyScores } from "./results.js";
import { type Difference, pairedDifference, pictureDifference } from "./statistics/difference.js";

export interface Task {
  readonly train: string;
  readonly budget: StudyBudget;
  readonly cells: readonly Cell[];
}

/** Data sets in the order of the study; of each, all pictures before parts of them, and the largest budget first. */
export function tasksOf(cells: readonly Cell[]): Task[] {
  const tasks = new Map<string, Cell[]>();
  for (const cell of cells) {
    const key = placeText({ ...cell, system: "" });
    tasks.set(key, [...(tasks.get(key) ?? []), cell]);
  }
  const trains = [...new Set(cells.map(({ train }) => train))];
  const time = ({ minutes, epochs }: StudyBudget) => minutes ?? epochs ?? Number.POSITIVE_INFINITY;
  const descending = (a: number, b: number) => (a === b ? 0 : b - a);
  return [...tasks.values()]
    .map((group) => ({ train: group[0]!.train, budget: group[0]!.budget, cells: group }))
    .sort(
      (a, b) =>
        trains.indexOf(a.train) - trains.indexOf(b.train) ||
        descending(sizeOf(a.budget), sizeOf(b.budget)) ||
        descending(time(a.budget), time(b.budget)),
    );
}

/** Of each data set the tasks on all pictures, or, where a study asks for parts alone, on the most. */
export function wholeTasks(tasks: readonly Task[]): Task[] {
  const most = new Map<string, number>();
  for (const { train, budget } of tasks) most.set(train, Math.max(most.get(train) ?? 0, sizeOf(budget)));
  return tasks.filter(({ train, budget }) => sizeOf(budget) === most.get(train));
}

/** Of each data set, of its whole tasks, the largest budget in which systems can be compared; where there is none, the largest. */
export function mainTasks(tasks: readonly Task[]): Task[] {
  const whole = wholeTasks(tasks);
  return [...new Set(whole.map(({ train }) => train))].map((data) => {
    const own = whole.filter(({ train }) => train === data);
    return own.find(({ cells }) => areComparable(cells, data)) ?? own[0]!;
  });
}

/** Whether several of them were scored on a data set. */
export const areComparable = (cells: readonly Cell[], test: string): boolean =>
  cells.filter((cell) => mIoUBySeed(cell, test).size > 0).length > 1;

/**
 * mIoU (or retention) of one system less another's on a data set, by seed. Where there are too few seeds for an interval, it is one over the pictures;
 * that can tell a difference to be noise, but never that it is none. A seed that the two were scored with on other pictures is not common.
 * @returns `null` where no seed is common
 */
export function lead(own: Cell, other: Cell, test: string, of: "mIoU" | "retention" = "mIoU"): Difference | null {
  const read = (cell: Cell) =>
    of === "mIoU" ? mIoUBySeed(cell, test) : bySeed(cell, (run) => retentionMetric.read(run, test));
  const pairs = new Map(pairsOf(own, other, test).map(({ seed, scores }) => [seed, scores]));
  const [a, b] = [read(own), read(other)];
  for (const seed of b.keys()) if (a.has(seed) && !pairs.has(seed)) b.delete(seed);
  const common = [...a.keys()].filter((seed) => b.has(seed));
  if (common.length === 0) return null;
  const difference = pairedDifference(a, b);
  if (difference.interval !== null || of === "retention") return difference;
  const scored = common.map((seed) => pairs.get(seed)!);
  const counted = (side: 0 | 1) => scored.flatMap((pair) => (pair[side].perPicture ? [pair[side].perPicture] : []));
  if (counted(0).length + counted(1).length < 2 * common.length) return difference;
  const classes = countedClasses(scored[0]![0]);
  const options = { resamples: 1000, ...(classes && { classes }) };
  const { interval, verdict } = pictureDifference(counted(0), counted(1), options);
  const isNoise = verdict === "inside the noise";
  return { ...difference, interval, over: interval && "pictures", ...(isNoise && { verdict: "inside the noise" }) };
}

/** Of the seeds of both, the two scores, where they are of the same pictures. */
function pairsOf(own: Cell, other: Cell, test: string) {
  return pairedRuns(own, other).flatMap(([run, twin]) => {
    const [a, b] = [scoresOn(run, test), scoresOn(twin, test)];
    return a && b && samePictures(a, b)
      ? [{ seed: run.seed, scores: [a, b] as readonly [StudyScores, StudyScores] }]
      : [];
  });
}

/** Retention on an unseen data set: over the seeds, or, of a single one, with its interval over the pictures. */
export function retentionOf(cell: Cell, test: string): Measured | null {
  const found = measured(bySeed(cell, (run) => retentionMetric.read(run, test)));
  if (!found || found.interval) return found;
  const interval = scoresIn(cell, test).find(({ retention }) => retention)?.retention?.interval ?? null;
  return { ...found, interval, over: interval && "pictures" };
}

/** Cells from the best mIoU on a data set to the worst; those never scored on it are left out. */
export function ranked(cells: readonly Cell[], test: string): { readonly cell: Cell; readonly mIoU: Measured }[] {
  return cells
    .flatMap((cell) => {
      const mIoU = measuredMIoU(cell, test);
      return mIoU ? [{ cell, mIoU }] : [];
    })
    .sort((a, b) => b.mIoU.value - a.mIoU.value);
}
