import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Nested, Tensor } from "@adsam/torch";

export type { InputSpec, LabelSpec } from "../src/bench/formula.js";
export { fillValues, fnv1a, u } from "../src/bench/formula.js";
export {
  fillModule,
  formulaCotangent as goldenCotangent,
  formulaInput as goldenInput,
  labelMap,
} from "../src/bench/formula-tensors.js";

/**
 * Golden values: numbers that PyTorch implementations printed for networks whose weights and inputs come from a formula
 * (src/bench/formula.ts), so that no weights need to be shipped. This file is the comparison; the numbers are in `test/golden/*.json`.
 * A file's `seed`, usually empty, stands before every string of the formula.
 */

/** What is known of a tensor: its shape, three statistics (`std` of the population) and pairs of flat index and value. */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly absmax: number;
  readonly samples: readonly (readonly [number, number])[];
}

/** Reads `packages/adsam/test/golden/<file>`. */
export function loadGolden<T>(file: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/golden/${file}`, import.meta.url), "utf8")) as T;
}

/**
 * Compares shape, samples, mean, standard deviation and largest magnitude.
 * @param options.tol allowed difference, in units of `scale`; 1e-4 for networks, 1e-5 for single operators
 * @param options.scale max(1, absmax) unless given; for gradients far below 1 the tensor's own `absmax` says more
 */
export function assertClose(
  tensor: Tensor,
  golden: GoldenTensor,
  {
    tol = 1e-4,
    scale = Math.max(1, golden.absmax),
    name = "tensor",
  }: { tol?: number; scale?: number; name?: string } = {},
): void {
  assert.deepEqual([...tensor.shape], [...golden.shape], `${name}: shape`);
  const values = tensor.toNumbers();
  const limit = tol * scale;
  let worst: { index: number; error: number } = { index: -1, error: 0 };
  for (const [index, expected] of golden.samples) {
    const error = Math.abs(values[index]! - expected);
    if (!(error <= worst.error)) worst = { index, error };
  }
  if (!(worst.error <= limit)) {
    const expected = golden.samples.find(([index]) => index === worst.index)?.[1];
    assert.fail(
      `${name}: element ${worst.index} is ${values[worst.index]}, expected ${expected} ± ${limit.toExponential(1)}`,
    );
  }
  let sum = 0;
  let absmax = 0;
  for (const value of values) {
    sum += value;
    absmax = Math.max(absmax, Math.abs(value));
  }
  const mean = sum / values.length;
  let squares = 0;
  for (const value of values) squares += (value - mean) ** 2;
  const found = { mean, std: Math.sqrt(squares / values.length), absmax };
  for (const key of ["mean", "std", "absmax"] as const)
    assert.ok(
      Math.abs(found[key] - golden[key]) <= limit,
      `${name}: ${key} is ${found[key]}, expected ${golden[key]} ± ${limit.toExponential(1)}`,
    );
}

/** Compares one number with a relative tolerance (absolute below 1e-12): gradient norms hold to 1e-3, losses to 1e-5. */
export function assertNumber(found: number, expected: number, { tol = 1e-5, name = "value" } = {}): void {
  const limit = tol * Math.max(Math.abs(expected), 1e-12);
  assert.ok(
    Math.abs(found - expected) <= limit,
    `${name} is ${found}, expected ${expected} ± ${limit.toExponential(1)}`,
  );
}

/** The elements of a tensor as a nested array of numbers rounded to `digits` places: what an assertion prints well. */
export function rounded(tensor: Tensor, digits = 6): Nested {
  const round = (value: Nested): Nested =>
    Array.isArray(value) ? value.map(round) : Number(Number(value).toFixed(digits));
  return round(tensor.toNested());
}
