/** How far a score would move, had other pictures been drawn: the percentile bootstrap (Efron & Tibshirani 1993, §13). */
import { Problem } from "@adsam/torch/problem";
import { Random } from "../data/random.js";

export interface Interval {
  readonly low: number;
  readonly high: number;
  /** The share of such intervals that hold the true value: 0.95. */
  readonly level: number;
}

export interface BootstrapOptions {
  /** Samples drawn. By default 2000. */
  readonly resamples?: number;
  /** By default 0.95. */
  readonly level?: number;
  /** The same seed, the same interval. By default 0. */
  readonly seed?: number;
}

/**
 * Draws as many pictures of each group as it has, with replacement, again and again.
 * @param sizes pictures of each group; groups are drawn apart
 * @param statistic of the places drawn, one list a group; `null` where a sample has none, and then that sample is left out
 * @returns percentiles of the statistic; `null` where no sample had one, or where a group has fewer than two pictures
 */
export function bootstrap(
  sizes: readonly number[],
  statistic: (places: readonly Int32Array[]) => number | null,
  { resamples = 2000, level = 0.95, seed = 0 }: BootstrapOptions = {},
): Interval | null {
  checkLevel("bootstrap", level);
  if (!Number.isInteger(resamples) || resamples < 100)
    throw new Problem({ what: "bootstrap", found: `${resamples} resamples`, expected: "100 or more" });
  if (sizes.some((size) => size < 2)) return null; // one picture tells nothing of the next
  const random = new Random("bootstrap", seed);
  const places = sizes.map((size) => new Int32Array(size));
  const values: number[] = [];
  for (let i = 0; i < resamples; i++) {
    for (const group of places) for (let k = 0; k < group.length; k++) group[k] = random.below(group.length);
    const value = statistic(places);
    if (value !== null) values.push(value);
  }
  if (values.length === 0) return null;
  values.sort((a, b) => a - b);
  return { low: quantile(values, (1 - level) / 2), high: quantile(values, (1 + level) / 2), level };
}

/** @throws Problem for a level that is no share between 0 and 1, such as per cent */
export function checkLevel(what: string, level: number): void {
  if (!(level > 0 && level < 1))
    throw new Problem({ what, found: `a level of ${level}`, expected: "0.95, for example" });
}

/** Between the values where it falls between two of them (type 7 of Hyndman & Fan 1996). @param sorted ascending, not empty */
export function quantile(sorted: readonly number[], share: number): number {
  const at = share * (sorted.length - 1);
  const below = sorted[Math.floor(at)]!;
  return below + (at - Math.floor(at)) * (sorted[Math.ceil(at)]! - below);
}
