import assert from "node:assert/strict";
import { test } from "node:test";
import { ones, Tensor, zeros } from "@adsam/torch";
import { boundarySquares, distanceTransform } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { distanceTransformReference } from "../src/reference/distance-transform.js";
import { distanceMask, distanceMasks } from "./distance-masks.js";
import { assertSameOnAnyThreads, cpuOnly, ofThreads } from "./helpers.js";

test("is the definition, to the last bit", () => {
  for (const mask of distanceMasks()) {
    const expected = distanceTransformReference(mask.reshape([-1, ...mask.shape.slice(-2)])).toArray();
    assert.deepEqual(distanceTransform(mask).toArray(), expected, `[${mask.shape}]`);
    assert.deepEqual((callKernel("_distance_transform_composite", [mask]) as Tensor).toArray(), expected);
  }
});

test("known distances: a 3-4-5 triangle", () => {
  const one = ones([4, 5], { dtype: "uint8" });
  one.select(0, 0).select(0, 0).zero_();
  const distances = distanceTransform(one).toNested() as number[][];
  assert.deepEqual([distances[0]![0], distances[0]![4], distances[3]![0], distances[3]![4]], [0, 4, 3, 5]);
});

test("pictures do not see each other; one without a zero is infinitely far", () => {
  const one = ones([2, 2, 3, 4], { dtype: "bool" });
  one.select(0, 0).select(0, 1).zero_();
  const distances = distanceTransform(one);
  assert.deepEqual(distances.shape, [2, 2, 3, 4]);
  assert.ok(
    distances
      .select(0, 0)
      .select(0, 1)
      .toNumbers()
      .every((d) => d === 0),
  );
  for (const [b, c] of [
    [0, 0],
    [1, 0],
    [1, 1],
  ] as const)
    assert.ok(
      distances
        .select(0, b)
        .select(0, c)
        .toNumbers()
        .every((d) => d === Number.POSITIVE_INFINITY),
    );
});

test("a mask that is not contiguous, and an empty batch", () => {
  const one = distanceMask([30, 20], 0.02);
  const turned = distanceTransform(one.t());
  assert.deepEqual(turned.toArray(), distanceTransform(one).t().contiguous().toArray());
  assert.deepEqual(distanceTransform(zeros([0, 3, 4], { dtype: "bool" })).shape, [0, 3, 4]);
});

test("the number of threads changes no bit", ofThreads(), () => {
  assertSameOnAnyThreads(() => [distanceTransform(distanceMask([3, 130, 140], 0.001))]);
});

const squares = cpuOnly("boundaries are scored on the CPU");

test("squared distances to a boundary: labels in, one picture of one label", squares, () => {
  const labels = Tensor.from(Uint8Array.of(5, 5, 5, 5, 5, 7, 5, 5, 5, 5, 5, 5), [2, 1, 6]);
  assert.deepEqual(boundarySquares(labels).toNumbers(), Float64Array.of(16, 9, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  const wide = labels.to({ dtype: "int64" });
  assert.deepEqual(boundarySquares(wide).toArray(), boundarySquares(labels).toArray());
  assertSameOnAnyThreads(() => [boundarySquares(distanceMask([3, 130, 140], 0.02).to({ dtype: "uint8" }))]);
  assert.throws(() => boundarySquares(zeros([2, 3, 4])), /boundary_squares labels: found dtype Float, expected int64/);
  assert.throws(() => boundarySquares(labels.select(0, 0)), /found shape \[1, 6\], expected \[B, H, W\]/);
});

test("errors say what a mask is", () => {
  assert.throws(
    () => distanceTransform(zeros([2, 3])),
    /distance_transform mask: found dtype Float, expected bool or uint8/,
  );
  assert.throws(
    () => distanceTransform(Tensor.of([1, 0], { dtype: "uint8" })),
    /found shape \[2\], expected \[\.\.\., H, W\]/,
  );
});
