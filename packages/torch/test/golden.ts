import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type Dtype, Tensor } from "../src/index.js";

/** A tensor in a golden file, as golden/record.py writes it. */
export interface GoldenTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly data: string;
}

/** A file of test/golden; tests run from dist/test. */
export function readGolden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../../test/golden/${name}`, import.meta.url), "utf8")) as T;
}

export function fromGolden({ dtype, shape, data }: GoldenTensor): Tensor {
  return Tensor.from(new Uint8Array(Buffer.from(data, "base64")), shape, { dtype });
}

export function stateFromGolden(state: Readonly<Record<string, GoldenTensor>>): Map<string, Tensor> {
  return new Map(Object.entries(state).map(([name, golden]) => [name, fromGolden(golden)]));
}

/** Same shape, and every element within `tolerance` (absolute, and relative to the golden number). */
export function assertClose(actual: Tensor, golden: GoldenTensor | Tensor, what: string, tolerance = 1e-6): void {
  const expected = golden instanceof Tensor ? golden : fromGolden(golden);
  assert.deepEqual(actual.shape, expected.shape, `${what}: shape`);
  const [a, b] = [actual.toNumbers(), expected.toNumbers()];
  for (let i = 0; i < b.length; i++) {
    const error = Math.abs(a[i]! - b[i]!);
    assert.ok(
      error <= tolerance * (1 + Math.abs(b[i]!)),
      `${what}: element ${i} of [${expected.shape}] is ${a[i]}, expected ${b[i]}`,
    );
  }
}

/** Same shape, dtype and bits. */
export function assertSame(actual: Tensor, golden: GoldenTensor | Tensor, what: string): void {
  const expected = golden instanceof Tensor ? golden : fromGolden(golden);
  assert.deepEqual([actual.dtype, actual.shape], [expected.dtype, expected.shape], `${what}: dtype and shape`);
  assert.deepEqual(actual.detach().toArray(), expected.detach().toArray(), what);
}
