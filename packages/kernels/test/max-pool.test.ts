import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, type Tensor, zeros } from "@adsam/torch";
import { maxPool3x3Stride2 } from "../src/index.js";
import {
  assertDifferentiableOnce,
  assertSameOnAnyThreads,
  checkGradients,
  distance,
  filled,
  filledIntegers,
  ofThreads,
  withGradients,
} from "./helpers.js";

type Shape = readonly [number, number, number, number];

const last = (tensor: Tensor) => tensor.contiguous({ memoryFormat: "channels_last" });
const aten = (x: Tensor) => x.maxPool2d(3, { stride: 2, padding: 1 });

for (const shape of [
  [1, 2, 1, 1],
  [2, 3, 1, 6],
  [3, 19, 7, 5],
  [2, 5, 6, 8],
  [1, 64, 33, 47],
  [2, 40, 16, 2],
] as const satisfies Shape[])
  for (const dtype of ["float32", "float64", "bfloat16"] as const)
    test(`is PyTorch's max-pooling, bit by bit: [${shape}] ${dtype}`, () => {
      const smooth = filled("input", shape, { dtype });
      const even = filledIntegers("even", shape, 3).to({ dtype }); // most windows hold their greatest number twice
      for (const input of [smooth, even]) {
        // Whole numbers below 8 add up without rounding, in any order.
        const run = (op: (x: Tensor) => Tensor, x: Tensor) => {
          const leaf = x.detach().requiresGrad_();
          const y = op(leaf);
          const cotangent = filledIntegers("cotangent", y.shape, 8).to({ dtype });
          return [y, grad([y], [leaf], { cotangents: [cotangent] })[0]!];
        };
        const expected = run(aten, input);
        for (const given of [input, last(input)])
          for (const [i, found] of run(maxPool3x3Stride2, given).entries()) {
            assert.equal(distance(found, expected[i]!), 0, i ? "gradient" : "output");
            assert.equal(found.dtype, dtype);
          }
      }
    });

test("gradients in float64 are those of central differences, in every layout of the cotangent", () => {
  checkGradients((x) => maxPool3x3Stride2(last(x)), [filled("input", [2, 3, 5, 6])], ["input"], { tolerance: 1e-8 });
  const leaf = last(filled("input", [2, 3, 5, 6])).requiresGrad_();
  const cotangent = filled("cotangent", [2, 3, 3, 3]);
  const [a, b] = [cotangent, last(cotangent)].map(
    (given) => grad([maxPool3x3Stride2(leaf)], [leaf], { cotangents: [given] })[0]!,
  );
  assert.equal(distance(a!, b!), 0);
});

test("the layout is kept, and what needs no gradient keeps nothing", () => {
  const input = filled("input", [2, 20, 9, 12], { dtype: "float32" });
  const leaf = last(input).requiresGrad_();
  assert.deepEqual([maxPool3x3Stride2(input).strides[1], maxPool3x3Stride2(last(input)).strides[1]], [30, 1]);
  assert.equal(maxPool3x3Stride2(leaf).strides[1], 1);
  assert.equal(distance(maxPool3x3Stride2(last(input)), maxPool3x3Stride2(leaf).detach()), 0);
});

test("what is not a number wins; minus infinity is a number", () => {
  const input = filled("input", [1, 2, 4, 6], { dtype: "float32" });
  input.select(1, 1).fill_(Number.NEGATIVE_INFINITY);
  input.select(0, 0).select(0, 0).select(0, 0).select(0, 3).fill_(Number.NaN);
  const kinds = [...maxPool3x3Stride2(last(input)).toNumbers()].map((value) =>
    Number.isNaN(value) ? "NaN" : value === Number.NEGATIVE_INFINITY ? "-inf" : "number",
  );
  assert.deepEqual(kinds.slice(0, 6), ["number", "NaN", "NaN", "number", "number", "number"]);
  assert.deepEqual(new Set(kinds.slice(6)), new Set(["-inf"]));
});

test("the number of threads changes no bit", ofThreads(), () => {
  const input = filled("input", [2, 24, 61, 97], { dtype: "float32" });
  assertSameOnAnyThreads(() => withGradients((x) => maxPool3x3Stride2(last(x)), [input]));
});

test("an empty batch is an empty result, and errors say what is wrong", () => {
  const [output, gradient] = withGradients((x) => maxPool3x3Stride2(last(x)), [zeros([0, 3, 4, 5])]);
  assert.deepEqual(
    [output!.shape, gradient!.shape],
    [
      [0, 3, 2, 3],
      [0, 3, 4, 5],
    ],
  );
  assert.throws(
    () => maxPool3x3Stride2(zeros([2, 3, 0, 5])),
    /max_pool_3x3_s2 input: found shape \[2, 3, 0, 5\], expected at least one channel and one pixel/,
  );
  assertDifferentiableOnce("max_pool_3x3_s2", maxPool3x3Stride2, last(filled("input", [2, 3, 4, 5])));
});
