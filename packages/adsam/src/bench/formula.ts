/**
 * Weights, inputs and labels by a formula, so that two programs hold the same numbers without shipping any: this project and its peers in
 * the benchmark (bench/peers/golden.py is the same in NumPy), and the golden values of the tests.
 *
 *     fnv1a(s)   h = 0x811c9dc5; for each UTF-8 byte b: h = (h ^ b) * 0x01000193
 *     mix(x)     x ^= x >> 16; x *= 0x85ebca6b; x ^= x >> 13; x *= 0xc2b2ae35; x ^= x >> 16
 *     u(s, i)    mix(i + fnv1a(s)) / 2^32
 *
 * with unsigned 32-bit integers that wrap. A `seed`, usually empty, stands before every string.
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
export function sequence(name: string, length: number, lo: number, span: number): Float32Array {
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

/** The values of the input called `name`. */
export function inputValues(name: string, spec: InputSpec, { seed = "" } = {}): Float32Array {
  return "fill" in spec
    ? fillValues(spec.fill, spec.shape, { seed })
    : sequence(`${seed}input:${name}`, product(spec.shape), spec.lo, spec.hi - spec.lo);
}

/** Labels [batch, height, width] in blocks cropped at the right and lower edge. */
export function labelValues(
  spec: LabelSpec,
  { batch, height, width }: { batch: number; height: number; width: number },
  { seed = "" } = {},
): Uint8Array {
  const rows = Math.ceil(height / spec.block);
  const columns = Math.ceil(width / spec.block);
  const ids = Uint8Array.from({ length: batch * rows * columns }, (_, cell) =>
    Math.floor(spec.classes * u(`${seed}label:${spec.label}`, cell)),
  );
  const labels = new Uint8Array(batch * height * width);
  let pixel = 0;
  for (let picture = 0; picture < batch; picture++)
    for (let y = 0; y < height; y++) {
      const row = (picture * rows + Math.floor(y / spec.block)) * columns;
      for (let x = 0; x < width; x++) labels[pixel++] = ids[row + Math.floor(x / spec.block)]!;
    }
  return labels;
}
