/** How long a study takes where its budgets are of minutes, one run after another. */
import type { StudyPlan } from "./plan.js";

export interface Estimate {
  /** Of training, as budgeted. */
  readonly training: number;
  /** Of the last validation, of starting processes, of scoring, of measuring: measured on two cores with CamVid's sizes, and so a guess elsewhere. */
  readonly beside: number;
  /** Runs that end by epochs: nobody knows how long they take. */
  readonly unknown: number;
}

const minutesPerRun = 0.25;
const minutesPerScore = 0.3;
/** Scored on a data set not trained on, and for the retention again at home. */
const minutesPerTransfer = 0.7;
const minutesPerMeasure = 0.3;

export function estimate({ runs, measures }: StudyPlan): Estimate {
  const timed = runs.flatMap(({ budget }) => budget.minutes ?? []);
  const sum = (values: readonly number[]) => values.reduce((all, one) => all + one, 0);
  return {
    training: sum(timed),
    beside:
      sum(runs.map(({ tests }) => minutesPerRun + minutesPerScore + minutesPerTransfer * (tests.length - 1))) +
      minutesPerMeasure * measures.length,
    unknown: runs.length - timed.length,
  };
}
