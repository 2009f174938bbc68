import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Device, type Dtype, grad, numThreads, scope, setNumThreads, Tensor, withDevice } from "@adsam/torch";

/** What an operator under test takes; those that take fewer are given fewer. */
type Five = [Tensor, Tensor, Tensor, Tensor, Tensor];

let device: "cpu" | "cuda" = "cpu";

/** Where the tests of this process make their tensors: the CPU, unless `onTestDevice` says otherwise. */
export const testDevice = (): "cpu" | "cuda" => device;

/** Registers tests whose tensors are made on a device: by `filled` and by whatever names none. */
export function onTestDevice<T>(there: "cpu" | "cuda", register: () => T): T {
  device = there;
  return withDevice(there as Device, register);
}

/** For a test of what only the CPU does; evaluated where the test is registered. */
export const cpuOnly = (why: string): { skip: string | false } => ({ skip: device !== "cpu" && why });

/** For a test of nothing but threads and the bits they leave. */
export const ofThreads = (): { skip: string | false } => cpuOnly("a GPU's threads are its own");

/** Float16 and bfloat16 columns are rounded before they are multiplied on a GPU, sums are not: a few roundings instead of one. */
export const lowTolerance = (): number => (device === "cpu" ? 2 ** -8 : 2 ** -6);

const fnv1a = (text: string) => {
  let h = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) h = Math.imul(h ^ byte, 0x01000193);
  return h >>> 0;
};

function mix(value: number): number {
  let x = value;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return (x ^ (x >>> 16)) >>> 0;
}

/** Numbers in [lo, hi) that depend on name and index alone: element i is lo + (hi − lo)·mix(i + fnv1a(name)) / 2^32. */
export function filled(
  name: string,
  shape: readonly number[],
  { lo = -1, hi = 1, dtype = "float64" }: { lo?: number; hi?: number; dtype?: Dtype } = {},
): Tensor {
  const h = fnv1a(name);
  const numel = shape.reduce((a, b) => a * b, 1);
  const values = Float64Array.from({ length: numel }, (_, i) => lo + ((hi - lo) * mix((i + h) >>> 0)) / 2 ** 32);
  return Tensor.from(values, shape).to({ dtype, device });
}

/** Whole numbers in [0, count), filled as `filled` does. */
export const filledIntegers = (name: string, shape: readonly number[], count: number): Tensor =>
  filled(name, shape, { lo: 0, hi: count }).floor().to({ dtype: "int64" });

/** Greatest |a − b| in units of max(1, max |b|), NaN where one is NaN; shapes must agree. */
export function distance(a: Tensor, b: Tensor): number {
  assert.deepEqual([...a.shape], [...b.shape], "shape");
  const [x, y] = [a.toNumbers(), b.toNumbers()];
  const size = y.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
  return x.reduce((most, value, i) => Math.max(most, Math.abs(value - y[i]!)), 0) / size;
}

export function assertClose(a: Tensor, b: Tensor, tolerance: number, what: string): void {
  const apart = distance(a, b);
  assert.ok(apart <= tolerance, `${what}: ${apart} apart, at most ${tolerance} expected`);
}

/** Output and the gradient of Σ output·cotangent with respect to every input that is not an integer. */
export function withGradients(
  run: (...inputs: Five) => Tensor,
  inputs: readonly Tensor[],
  cotangentName = "cotangent",
): Tensor[] {
  const leaves = inputs.map((input) => input.detach().clone().requiresGrad_());
  const output = run(...(leaves as unknown as Five));
  const cotangent = filled(cotangentName, output.shape, { dtype: output.dtype });
  const gradients = grad([output], leaves, { cotangents: [cotangent] });
  return [output.detach(), ...(gradients as Tensor[])];
}

/** Holds float64 gradients against central differences, element by element. */
export function checkGradients(
  run: (...inputs: Five) => Tensor,
  inputs: readonly Tensor[],
  names: readonly string[],
  { step = 1e-6, tolerance = 1e-7 } = {},
): void {
  const [output, ...gradients] = withGradients(run, inputs);
  const cotangent = filled("cotangent", output!.shape);
  const value = (changed: readonly Tensor[]) =>
    scope(() =>
      run(...(changed as unknown as Five))
        .mul(cotangent)
        .sum()
        .item(),
    );
  for (const [i, input] of inputs.entries()) {
    const numbers = input.toNumbers();
    const measured = numbers.map((middle, element) => {
      const at = (number: number) => {
        const moved = numbers.slice();
        moved[element] = number;
        return value(inputs.with(i, Tensor.from(moved, input.shape).to({ device })));
      };
      return (at(middle + step) - at(middle - step)) / (2 * step);
    });
    assertClose(gradients[i]!, Tensor.from(measured, input.shape), tolerance, `gradient of ${names[i]}`);
  }
}

/** What `run` returns on one thread and on several: the same bits, or numbers as near as `tolerance` allows. */
export function assertSameOnAnyThreads(run: () => Tensor[], tolerance = 0): void {
  if (device !== "cpu") return; // a GPU's threads are its own
  const before = numThreads();
  try {
    const [one, ...others] = [1, 2, 3, 5].map((threads) => {
      setNumThreads(threads);
      return run();
    });
    for (const other of others)
      for (const [i, tensor] of other.entries()) {
        if (tolerance > 0) assertClose(tensor, one![i]!, tolerance, `result ${i}`);
        else assert.deepEqual(tensor.toArray(), one![i]!.toArray(), `result ${i}`);
      }
  } finally {
    setNumThreads(before);
  }
}

/**
 * Holds that an operator is differentiable once and says so, which also shows that its kernel was asked: a composite, by which a GPU may be
 * served, is differentiable as often as one likes.
 */
export function assertDifferentiableOnce(name: string, run: (leaf: Tensor) => Tensor, input: Tensor): void {
  if (device !== "cpu") return;
  const leaf = input.detach().requiresGrad_();
  assert.throws(
    () => grad([run(leaf).square().sum()], [leaf], { createGraph: true }),
    new RegExp(`${name}: found a request for second derivatives`),
  );
}

/** A file of test/golden; tests run from dist/test. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/golden/${name}`, import.meta.url), "utf8")) as T;
}
