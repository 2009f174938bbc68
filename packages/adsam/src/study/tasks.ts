/** Systems are held against each other on one task: the same data to train on, the same budget. */
import { placeText } from "./budget.js";
import { bySeed, type Cell, type Measured, measured, measuredMIoU, mIoUBySeed, scoresOn } from "./cells.js";
import { retentionMetric } from "./metrics.js";
import type { StudyBudget } from "./results.js";
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
  const size = ({ pictures }: StudyBudget) => pictures ?? Number.POSITIVE_INFINITY;
  const time = ({ minutes, epochs }: StudyBudget) => minutes ?? epochs ?? Number.POSITIVE_INFINITY;
  const descending = (a: number, b: number) => (a === b ? 0 : b - a);
  return [...tasks.values()]
    .map((group) => ({ train: group[0]!.train, budget: group[0]!.budget, cells: group }))
    .sort(
      (a, b) =>
        trains.indexOf(a.train) - trains.indexOf(b.train) ||
        descending(size(a.budget), size(b.budget)) ||
        descending(time(a.budget), time(b.budget)),
    );
}

/** Tasks on all pictures. */
export const wholeTasks = (tasks: readonly Task[]): Task[] =>
  tasks.filter(({ budget }) => budget.pictures === undefined);

/** Of each data set, on all pictures, the largest budget in which systems can be compared; where there is none, the largest. */
export function mainTasks(tasks: readonly Task[]): Task[] {
  const whole = wholeTasks(tasks);
  const isCompared = ({ train, cells }: Task) => cells.filter((cell) => mIoUBySeed(cell, train).size > 0).length > 1;
  return [...new Set(whole.map(({ train }) => train))].map((data) => {
    const own = whole.filter(({ train }) => train === data);
    return own.find(isCompared) ?? own[0]!;
  });
}

/**
 * mIoU (or retention) of one system less another's on a data set, by seed. Where there are too few seeds for an interval, it is one over the pictures;
 * that can tell a difference to be noise, but never that it is none.
 * @returns `null` where no seed is common
 */
export function lead(own: Cell, other: Cell, test: string, of: "mIoU" | "retention" = "mIoU"): Difference | null {
  const [a, b] = [own, other].map((cell) =>
    of === "mIoU" ? mIoUBySeed(cell, test) : bySeed(cell, (run) => retentionMetric.read(run, test)),
  ) as [Map<number, number>, Map<number, number>];
  const common = [...a.keys()].filter((seed) => b.has(seed));
  if (common.length === 0) return null;
  const difference = pairedDifference(a, b);
  if (difference.interval !== null || of === "retention") return difference;
  const [pictures, others] = [own, other].map((cell) =>
    cell.runs.filter(({ seed }) => common.includes(seed)).map((run) => scoresOn(run, test)?.perPicture),
  ) as [Counted, Counted];
  if (pictures.includes(undefined) || others.includes(undefined)) return difference;
  const over = pictureDifference(pictures as Whole, others as Whole, { resamples: 1000 });
  const noise = over.verdict === "inside the noise";
  return { ...difference, interval: over.interval, ...(noise && { verdict: "inside the noise" }) };
}

type Whole = Parameters<typeof pictureDifference>[0];
type Counted = (Whole[number] | undefined)[];

/** Retention on an unseen data set: over the seeds, or, of a single one, with its interval over the pictures. */
export function retentionOf(cell: Cell, test: string): Measured | null {
  const found = measured(bySeed(cell, (run) => retentionMetric.read(run, test)));
  if (!found || found.interval) return found;
  const interval = scoresOn(cell.runs[0]!, test)?.retention?.interval ?? null;
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
