import { readFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import type { Output } from "./sides/side.js";

/** How far two sides' outputs may lie apart. */
export interface AgreementRule {
  /**
   * `absolute`: the largest difference of two elements; `largest`: the same over max(1, the largest element); `relative L2`: the norm of the
   * difference over that of the peer's; `numbers`: each number's difference over the peer's own.
   */
  readonly measure: "absolute" | "largest" | "relative L2" | "numbers";
  readonly limit: number;
  /** What is compared, for the reader: `logits`. */
  readonly what: string;
}

/** How far apart they were. */
export interface Agreement {
  /** Of the comparison. */
  readonly id: string;
  readonly work: string;
  readonly peer: string;
  readonly what: string;
  readonly difference: number;
  readonly limit: number;
}

/** One side's output with its arrays read. */
export interface ReadOutput {
  readonly arrays: ReadonlyMap<string, Float32Array>;
  readonly numbers: Readonly<Record<string, number>>;
}

/** @param path what the side wrote */
export function readOutput({ arrays, numbers }: Output, path: string): ReadOutput {
  const bytes = arrays.length === 0 ? Buffer.alloc(0) : readFileSync(path);
  const read = new Map<string, Float32Array>();
  let at = bytes.byteOffset;
  for (const [name, length] of arrays) {
    read.set(name, new Float32Array(bytes.buffer.slice(at, at + 4 * length)));
    at += 4 * length;
  }
  return { arrays: read, numbers };
}

/** @returns the difference by the rule, infinite where one side has what the other lacks, and what was worst */
export function difference(
  ours: ReadOutput,
  theirs: ReadOutput,
  { measure }: AgreementRule,
): { difference: number; worst: string } {
  if (measure === "numbers") return worstNumber(ours.numbers, theirs.numbers);
  let worst = { difference: 0, worst: "" };
  for (const name of new Set([...ours.arrays.keys(), ...theirs.arrays.keys()])) {
    const [a, b] = [ours.arrays.get(name), theirs.arrays.get(name)];
    const found = a && b && a.length === b.length ? between(a, b, measure) : Number.POSITIVE_INFINITY;
    if (!(found <= worst.difference))
      worst = { difference: Number.isNaN(found) ? Number.POSITIVE_INFINITY : found, worst: name };
  }
  return worst;
}

/** NaN where one of the elements is. */
function between(a: Float32Array, b: Float32Array, measure: "absolute" | "largest" | "relative L2"): number {
  let [largest, apart, squares, squaresApart] = [1, 0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [theirs, far] = [b[i]!, Math.abs(a[i]! - b[i]!)];
    apart = Math.max(apart, far);
    if (Math.abs(theirs) > largest) largest = Math.abs(theirs);
    squares += theirs * theirs;
    squaresApart += far * far;
  }
  if (measure === "absolute") return apart;
  if (measure === "largest") return apart / largest;
  return squaresApart === 0 ? 0 : Math.sqrt(squaresApart / squares);
}

/** The largest relative difference of two numbers of the same name. */
export function worstNumber(
  ours: Readonly<Record<string, number>>,
  theirs: Readonly<Record<string, number>>,
): { difference: number; worst: string } {
  let worst = { difference: 0, worst: "" };
  for (const name of new Set([...Object.keys(ours), ...Object.keys(theirs)])) {
    const [our = Number.NaN, their = Number.NaN] = [ours[name], theirs[name]]; // one side may not have it
    const relative = Math.abs(our - their) / Math.max(Math.abs(their), 1e-12);
    const found = Number.isNaN(relative) ? Number.POSITIVE_INFINITY : relative;
    if (found > worst.difference) worst = { difference: found, worst: name };
  }
  return worst;
}

/** What to say of a difference over its limit; undefined where it is not. */
export function refusal(
  { work, peer, what, difference, limit }: Omit<Agreement, "id">,
  worst: string,
): Problem | undefined {
  if (difference <= limit) return undefined;
  return new Problem({
    what: `${work}, against ${peer}: ${what}${worst === "" ? "" : ` (worst: ${worst})`}`,
    found: `a difference of ${difference.toPrecision(3)}`,
    expected: `at most ${limit}: what is timed must be the same work`,
  });
}
