import { Problem } from "@adsam/torch/problem";
import jstat from "jstat";
import { checkLevel, type Interval } from "../../metrics/bootstrap.js";

/** Sum / number; NaN of nothing. */
export const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Sample standard deviation (n − 1); `null` for fewer than two values. */
export function deviationOf(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = meanOf(values);
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/**
 * Where the mean of further runs lies, as far as a few tell: mean ± t·s/√n, with t of n − 1 degrees of freedom (Student 1908). Of three
 * values t is 4.30 at 95 %, where a normal distribution would have 1.96.
 * @returns `null` for fewer than two values
 * @throws Problem for values that are not finite
 */
export function studentInterval(values: readonly number[], level = 0.95): Interval | null {
  checkLevel("t-interval", level);
  const broken = values.find((value) => !Number.isFinite(value));
  if (broken !== undefined) throw new Problem({ what: "t-interval", found: `${broken}`, expected: "finite values" });
  const deviation = deviationOf(values);
  if (deviation === null) return null;
  const mean = meanOf(values);
  const half = (jstat.jStat.studentt.inv((1 + level) / 2, values.length - 1) * deviation) / Math.sqrt(values.length);
  return { low: mean - half, high: mean + half, level };
}
