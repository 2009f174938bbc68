/** How long a study takes on two cores where its budgets are of minutes, one run after another. */
import type { PlannedRun, StudyPlan } from "./plan.js";
import type { Study } from "./read.js";

export interface Estimate {
  /** Minutes of training, as budgeted. */
  readonly training: number;
  /** Minutes of what stands beside it: a run's last validation, its scoring, processes that start, measuring. */
  readonly beside: number;
  /** Runs that end by epochs: nobody knows how long they take. */
  readonly unknown: number;
}

/** Measured on two cores (Zen 4): what a forward pass takes, and reading, resizing and counting a picture. */
const [secondsPerMultiplyAdd, secondsPerPicture] = [13e-12, 0.06];
const [secondsPerRun, secondsPerScoring, secondsPerMeasure] = [8, 3, 8];
/** Of a validation split that says nothing of its size: CamVid has 101, IDD-Lite 237. */
const usualPictures = 120;

/** @param multiplyAdds of one picture through a run's network */
export function estimate(
  study: Study,
  { runs, measures }: StudyPlan,
  multiplyAdds: (run: PlannedRun) => number,
): Estimate {
  const timed = runs.filter(({ budget }) => budget.minutes !== undefined);
  const pictures = (data: string) => {
    const { limitVal, draw } = study.data[data]!;
    return Math.min(limitVal ?? Number.POSITIVE_INFINITY, draw?.val ?? usualPictures);
  };
  const seconds = (run: PlannedRun): number => {
    const onePicture = secondsPerPicture + secondsPerMultiplyAdd * multiplyAdds(run);
    const home = pictures(run.train);
    const unseen = run.tests.filter((test) => test !== run.train).map(pictures);
    const seen = 2 * home + unseen.reduce((sum, count) => sum + count + home, 0); // retention scores home again
    return secondsPerRun + secondsPerScoring * run.tests.length + onePicture * seen;
  };
  return {
    training: timed.reduce((sum, { budget }) => sum + budget.minutes!, 0),
    beside: (timed.reduce((sum, run) => sum + seconds(run), 0) + secondsPerMeasure * measures.length) / 60,
    unknown: runs.length - timed.length,
  };
}
