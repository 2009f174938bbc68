import type { Interval } from "../../metrics/bootstrap.js";
import { type Difference, fewestSeeds } from "./difference.js";

/**
 * A difference of scores as a report says it, in points (hundredths): `+2.1 points (+0.4 to +3.8; 3 seeds): better`, or
 * `+0.3 points (−1.2 to +1.8; 5 seeds): inside the noise`.
 */
export function differenceText(difference: Difference): string {
  const { verdict } = difference;
  const end = verdict === "untold" ? `too few seeds to say (${fewestSeeds} are needed)` : verdict;
  return `${differenceFigures(difference)}: ${end}`;
}

/**
 * The same without the verdict, for where that stands beside it: `+2.1 points (+0.4 to +3.8; 3 seeds)`, or
 * `+2.1 points (+1.9 to +2.4 over the pictures; seed 0 alone)` where one of the two has been run with more seeds.
 */
export function differenceFigures(difference: Difference): string {
  return `${pointsText(difference.value)} points (${conditionsText(difference, intervalText)})`;
}

/** What stands behind a difference in brackets. @param between an interval in the difference's unit */
export function conditionsText(difference: Difference, between: (interval: Interval) => string): string {
  const { interval, over, bySeed } = difference;
  const seeds = pairedSeeds(difference);
  const of = seeds === null ? seedsText(bySeed.size) : `${seeds} alone`;
  return interval ? `${between(interval)}${over === "pictures" ? " over the pictures" : ""}; ${of}` : of;
}

/** `seed 0`, `seeds 0, 2`: those that both have been run with; `null` where these are all. */
export function pairedSeeds({ bySeed, unpaired }: Difference): string | null {
  const common = [...bySeed.keys()];
  return unpaired.length === 0 ? null : `${common.length === 1 ? "seed" : "seeds"} ${common.join(", ")}`;
}

/** `1 seed`, `3 seeds`. */
export const seedsText = (seeds: number): string => `${seeds} ${seeds === 1 ? "seed" : "seeds"}`;

/** `+0.4 to +3.8`, in points. */
export const intervalText = ({ low, high }: Interval): string => `${pointsText(low)} to ${pointsText(high)}`;

/** `+2.1`, `−0.4`, `0.0`: hundredths. */
export function pointsText(value: number): string {
  const rounded = (100 * Math.abs(value)).toFixed(1);
  return rounded === "0.0" ? "0.0" : `${value < 0 ? "−" : "+"}${rounded}`;
}
