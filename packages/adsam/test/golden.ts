import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Nested, type nn, noGrad, scope, Tensor } from "@adsam/torch";

/**
 * Golden values: numbers that PyTorch implementations printed for networks whose weights and inputs come from a formula, so
 * that no weights need to be shipped. This file is the formula and the comparison; the numbers are in `test/golden/*.json`.
 *
 *     fnv1a(s)   h = 0x811c9dc5; for each UTF-8 byte b: h = (h ^ b) * 0x01000193
 *     mix(x)     x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13; x *= 0xc2b2ae35; x ^= x >> 16
 *     u(s, i)    mix(i + fnv1a(s)) / 2^32
 *
 * with unsigned 32-bit integers that wrap. A file's `seed`, usually empty, stands before every string.
 */

/** An input with values from `lo` to `hi`, or filled as the parameter called `fill`. */
export type InputSpec =
  | { readonly shape: readonly number[]; readonly lo: number; readonly hi: number }
  | { readonly shape: readonly number[]; readonly fill: string };

/** Blocks of `block`² pixels with labels 0 … classes − 1, of which `ignore` counts as no label. */
export interface LabelSpec {
  readonly label: string;
  readonly block: number;
  readonly classes: number;
  readonly ignore: number;
}

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

/** 32-bit FNV-1a of a string's UTF-8 bytes. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** The finalizer of MurmurHash3: spreads one bit over all. */
function mix(x: number): number {
  x ^= x >>> 16;
  x = Math.imul(x, 0x85ebca6b);
  x ^= x >>> 13;
  x = Math.imul(x, 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Element `index` of the sequence called `name`: a float64 in [0, 1). */
export function u(name: string, index: number): number {
  return mix((fnv1a(name) + index) | 0) / 2 ** 32;
}

/** The first `length` of lo + span · u(name, i), rounded to float32. */
function sequence(name: string, length: number, lo: number, span: number): Float32Array {
  const start = fnv1a(name);
  const values = new Float32Array(length);
  for (let i = 0; i < length; i++) values[i] = lo + span * (mix((start + i) | 0) / 2 ** 32);
  return values;
}

const product = (shape: readonly number[]): number => shape.reduce((all, size) => all * size, 1);

/** The values of a parameter or buffer, by its full state-dict name and its shape. */
export function fillValues(name: string, shape: readonly number[], { seed = "" } = {}): Float32Array {
  const length = product(shape);
  const symmetric = (bound: number) => sequence(seed + name, length, -bound, 2 * bound);
  const last = name.slice(name.lastIndexOf(".") + 1);
  if (last === "running_var") return sequence(seed + name, length, 0.75, 0.5);
  if (last === "running_mean" || last === "pos_embed") return symmetric(0.1);
  if (shape.length >= 2) return symmetric(Math.sqrt(3 / (length / shape[0]!)));
  if (last === "weight") return sequence(seed + name, length, 0.9, 0.2);
  return symmetric(0.1);
}

/**
 * Fills every parameter and floating-point buffer below `module` by the formula.
 * @param options.prefix stands before each name, where the reference's module sat deeper in its tree: `"resnet_encoder."`
 * @param options.rename the reference's name for one of ours, or undefined to leave that tensor as it is
 */
export function fillModule<M extends nn.Module>(
  module: M,
  {
    seed = "",
    prefix = "",
    rename = (name: string) => name,
  }: { seed?: string; prefix?: string; rename?: (name: string) => string | undefined } = {},
): M {
  noGrad(() => {
    for (const [own, tensor] of module.stateDict()) {
      const name = rename(prefix + own);
      if (name === undefined || !/^(b?float)/.test(tensor.dtype)) continue;
      scope(() => tensor.copy_(Tensor.share(fillValues(name, tensor.shape, { seed }), tensor.shape)) && undefined);
    }
  });
  return module;
}

/** The float32 input called `name` in a golden file's `inputs`. */
export function goldenInput(name: string, spec: InputSpec, { seed = "" } = {}): Tensor {
  const values =
    "fill" in spec
      ? fillValues(spec.fill, spec.shape, { seed })
      : sequence(`${seed}input:${name}`, product(spec.shape), spec.lo, spec.hi - spec.lo);
  return Tensor.from(values, spec.shape);
}

/** The cotangent of an output of this shape: the scalar differentiated is sum(output · cotangent). */
export function goldenCotangent(shape: readonly number[], { seed = "" } = {}): Tensor {
  return Tensor.from(sequence(`${seed}input:cotangent`, product(shape), -1, 2), shape);
}

/** Labels [batch, height, width] as uint8 (or int64), in blocks cropped at the right and lower edge. */
export function labelMap(
  spec: LabelSpec,
  { batch, height, width }: { batch: number; height: number; width: number },
  { seed = "", dtype = "uint8" as "uint8" | "int64" } = {},
): Tensor {
  const rows = Math.ceil(height / spec.block);
  const columns = Math.ceil(width / spec.block);
  const labels = new Uint8Array(batch * height * width);
  let pixel = 0;
  for (let picture = 0; picture < batch; picture++)
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const cell = (picture * rows + Math.floor(y / spec.block)) * columns + Math.floor(x / spec.block);
        labels[pixel++] = Math.floor(spec.classes * u(`${seed}label:${spec.label}`, cell));
      }
  return Tensor.from(labels, [batch, height, width]).to({ dtype });
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
