/** Runs that differ in their seed alone stand in one cell; what is said of a system is said of a cell. */
import { bootstrap, type Interval } from "../metrics/bootstrap.js";
import { CountedPictures } from "../metrics/picture-counts.js";
import { placeText } from "./budget.js";
import type { StudyBudget, StudyRun, StudyScores } from "./results.js";
import { meanOf, studentInterval } from "./statistics/student.js";

export interface Cell {
  readonly system: string;
  readonly train: string;
  readonly budget: StudyBudget;
  /** With scores, by seed. */
  readonly runs: readonly StudyRun[];
  /** Pictures trained on, where the runs say it and agree. */
  readonly trainPictures: number | null;
}

/** A quantity of a cell. */
export interface Measured {
  /** Mean over the seeds. */
  readonly value: number;
  readonly interval: Interval | null;
  /** What the interval is over: further seeds, or, of a single seed, further pictures. */
  readonly over: "seeds" | "pictures" | null;
  readonly seeds: readonly number[];
}

/** In the order in which their first runs stand; cells of which no run has scores are left out. */
export function cellsOf(runs: readonly StudyRun[]): Cell[] {
  const places = new Map<string, StudyRun[]>();
  for (const run of runs.filter(({ scores }) => scores.length > 0)) {
    const place = placeText(run);
    places.set(place, [...(places.get(place) ?? []), run]);
  }
  return [...places.values()].map((group) => {
    const { system, train, budget } = group[0]!;
    const sizes = new Set(group.map(({ trainPictures }) => trainPictures ?? null));
    const [size] = sizes;
    return {
      system,
      train,
      budget,
      runs: group.toSorted((a, b) => a.seed - b.seed),
      trainPictures: sizes.size === 1 ? size! : null,
    };
  });
}

/** Scores on the data set trained on, in the network's own classes. */
export const homeScores = (run: StudyRun): StudyScores | undefined => scoresOn(run, run.train);

export const scoresOn = ({ scores }: StudyRun, test: string): StudyScores | undefined =>
  scores.find(({ dataset }) => dataset === test);

/** Of each seed that was scored there. */
export const scoresIn = ({ runs }: Cell, test: string): StudyScores[] =>
  runs.flatMap((run) => scoresOn(run, test) ?? []);

/** The runs of two cells that have the same seed. */
export function pairedRuns(own: Cell, other: Cell): (readonly [StudyRun, StudyRun])[] {
  return own.runs.flatMap((run) => {
    const twin = other.runs.find(({ seed }) => seed === run.seed);
    return twin ? [[run, twin] as const] : [];
  });
}

/** Places of the classes that its means are over; undefined: all of them. */
export function countedClasses({ perClass, labelMap }: StudyScores): number[] | undefined {
  const leftOut = new Set(labelMap?.leftOut?.map(({ name }) => name));
  return leftOut.size === 0 ? undefined : perClass.flatMap(({ name }, k) => (leftOut.has(name) ? [] : [k]));
}

/** Whether two runs were scored on the same pictures, as far as they say which. */
export function samePictures(a: StudyScores, b: StudyScores): boolean {
  if (!a.perPicture || !b.perPicture) return a.pictures === b.pictures;
  return a.perPicture.length === b.perPicture.length && a.perPicture.every(({ id }, i) => id === b.perPicture![i]!.id);
}

/** Seed → what `read` says of its run, where it says anything. */
export function bySeed({ runs }: Cell, read: (run: StudyRun) => number | null | undefined): Map<number, number> {
  const values = runs.map((run) => [run.seed, read(run)] as const);
  return new Map(values.filter((pair): pair is [number, number] => pair[1] !== null && pair[1] !== undefined));
}

/** Mean over the seeds, with Student's interval; `null` where no seed has a value. */
export function measured(values: ReadonlyMap<number, number>): Measured | null {
  if (values.size === 0) return null;
  const interval = studentInterval([...values.values()]);
  return { value: meanOf([...values.values()]), interval, over: interval && "seeds", seeds: [...values.keys()] };
}

/** Seed → mIoU on a data set. */
export const mIoUBySeed = (cell: Cell, test: string): Map<number, number> =>
  bySeed(cell, (run) => scoresOn(run, test)?.mIoU);

/** mIoU on a data set; of a single seed, with an interval over the pictures where they were counted. */
export function measuredMIoU(cell: Cell, test: string): Measured | null {
  const found = measured(mIoUBySeed(cell, test));
  if (!found || found.interval) return found;
  const scores = scoresIn(cell, test).find(({ perPicture }) => perPicture !== undefined);
  if (!scores) return found;
  const pictures = new CountedPictures(scores.perPicture!, countedClasses(scores));
  const interval = bootstrap([pictures.size], ([places]) => pictures.meanIoU(places), { resamples: 1000 });
  return { ...found, interval, over: interval && "pictures" };
}

/** What was taken for what on a data set, [label, prediction] → pixels row by row, added up over the seeds that counted it. */
export function confusionOn(cell: Cell, test: string): { counts: readonly number[]; scores: StudyScores[] } | null {
  const scores = scoresIn(cell, test).filter(({ confusion }) => confusion !== undefined);
  const [first] = scores;
  if (!first) return null;
  const counts = first.confusion!.counts.map((_, at) =>
    scores.reduce((sum, { confusion }) => sum + confusion!.counts[at]!, 0),
  );
  return { counts, scores };
}

/** The cell of the same data, budget and pictures, but another system. */
export function sameTask(a: Pick<Cell, "train" | "budget">, b: Pick<Cell, "train" | "budget">): boolean {
  return placeText({ ...a, system: "" }) === placeText({ ...b, system: "" });
}

/** Minutes trained for: the budget's, or the mean of what the curves say. */
export function minutesOf({ budget, runs }: Cell): number | null {
  if (budget.minutes !== undefined) return budget.minutes;
  const ends = runs.flatMap(({ curve }) => (curve.length === 0 ? [] : [curve.at(-1)!.minutes]));
  return ends.length === 0 ? null : meanOf(ends);
}
