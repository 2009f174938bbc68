/** Whether one system is better than another, or only luckier. */
import { Problem } from "@adsam/torch/problem";
import { type BootstrapOptions, bootstrap, checkLevel, type Interval } from "../../metrics/bootstrap.js";
import { CountedPictures, type PictureCounts } from "../../metrics/picture-counts.js";
import { meanOf, studentInterval } from "./student.js";

/** Seeds without which nothing is claimed. */
export const fewestSeeds = 3;

/** `untold`: too few to say. */
export type Verdict = "better" | "worse" | "inside the noise" | "untold";

export interface Difference {
  /** Mean of the paired differences, `system` less `baseline`, in the unit of the scores. */
  readonly value: number;
  /** By Student's t over the seeds, or of a single one by bootstrap over the pictures; `null` where neither is known. */
  readonly interval: Interval | null;
  readonly over: "seeds" | "pictures" | null;
  /** Seed → its difference, of the seeds that both have. */
  readonly bySeed: ReadonlyMap<number, number>;
  /** Seeds that only one of them has: in none of the above. */
  readonly unpaired: readonly number[];
  readonly verdict: Verdict;
}

/**
 * Scores of two systems on the same data, paired by seed: what a seed does to both, by its subset or its order, is not in the difference.
 * @param system, baseline seed → score, where higher is better
 * @throws Problem where no seed is common
 */
export function pairedDifference(
  system: ReadonlyMap<number, number>,
  baseline: ReadonlyMap<number, number>,
  level = 0.95,
): Difference {
  checkLevel("paired difference", level);
  const seeds = [...new Set([...system.keys(), ...baseline.keys()])].sort((a, b) => a - b);
  const common = seeds.filter((seed) => system.has(seed) && baseline.has(seed));
  if (common.length === 0) {
    const named = (scores: ReadonlyMap<number, number>) => [...scores.keys()].join(", ") || "none";
    const found = `the seeds ${named(system)} and ${named(baseline)}`;
    throw new Problem({ what: "paired difference", found, expected: "seeds that both have been run with" });
  }
  const bySeed = new Map(common.map((seed) => [seed, system.get(seed)! - baseline.get(seed)!]));
  const interval = studentInterval([...bySeed.values()], level);
  return {
    value: meanOf([...bySeed.values()]),
    interval,
    over: interval && "seeds",
    bySeed,
    unpaired: seeds.filter((seed) => !common.includes(seed)),
    verdict: common.length < fewestSeeds ? "untold" : verdictOf(interval),
  };
}

/** A difference is one where its interval leaves 0 out. */
export function verdictOf(interval: Interval | null): Verdict {
  if (interval === null) return "untold";
  if (interval.low > 0) return "better";
  return interval.high < 0 ? "worse" : "inside the noise";
}

/**
 * The difference of two systems' mIoU on one split, by bootstrap over its pictures, the same drawn for both. Of several seeds the counts
 * are added up picture by picture. It says what other pictures would have changed, `pairedDifference` what other seeds would have.
 * @param system, baseline one list of counted pictures a seed
 * @throws Problem where the pictures are not the same ones in the same order
 */
export function pictureDifference(
  system: readonly (readonly PictureCounts[])[],
  baseline: readonly (readonly PictureCounts[])[],
  { classes, ...options }: BootstrapOptions & { readonly classes?: readonly number[] } = {},
): { readonly value: number | null; readonly interval: Interval | null; readonly verdict: Verdict } {
  const [own, other] = [system, baseline].map((seeds) => addedUp(seeds)) as [PictureCounts[], PictureCounts[]];
  requireSame(own, other);
  const [a, b] = [new CountedPictures(own, classes), new CountedPictures(other, classes)];
  const difference = (places?: Int32Array) => {
    const [left, right] = [a.meanIoU(places), b.meanIoU(places)];
    return left === null || right === null ? null : left - right;
  };
  const interval = bootstrap([a.size], ([places]) => difference(places), options);
  return { value: difference(), interval, verdict: verdictOf(interval) };
}

function addedUp(seeds: readonly (readonly PictureCounts[])[]): PictureCounts[] {
  const [first = [], ...others] = seeds;
  for (const other of others) requireSame(first, other);
  const sum = (key: "labelled" | "predicted" | "right", i: number) =>
    first[i]![key].map((_, k) => seeds.reduce((total, pictures) => total + pictures[i]![key][k]!, 0));
  return first.map(({ id }, i) => ({
    id,
    labelled: sum("labelled", i),
    predicted: sum("predicted", i),
    right: sum("right", i),
  }));
}

function requireSame(a: readonly PictureCounts[], b: readonly PictureCounts[]): void {
  const at = Array.from({ length: Math.max(a.length, b.length) }, (_, i) => i).find((i) => a[i]?.id !== b[i]?.id);
  if (at === undefined && a.length > 0) return;
  const name = (pictures: readonly PictureCounts[]) => (pictures[at ?? 0] ? `"${pictures[at ?? 0]!.id}"` : "none");
  const found = a.length === 0 ? "no pictures" : `${name(a)} and ${name(b)} as picture ${at! + 1}`;
  throw new Problem({ what: "difference over pictures", found, expected: "the same pictures scored by both" });
}
