import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, cat, grad, type Size, type Tensor, zeros } from "@adsam/torch";
import { type ResizeBilinearOptions, resizeBilinear, resizeBilinearCat } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { resizeBilinearReference } from "../src/reference/resize-bilinear.js";
import {
  assertClose,
  assertDifferentiableOnce,
  assertSameOnAnyThreads,
  checkGradients,
  distance,
  filled,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

type Shape = readonly [number, number, number, number];

const composite: typeof resizeBilinear = (input, { height, width }, { layout = "input" } = {}) =>
  callKernel("_resize_bilinear_composite", [input, [height, width], layout === "row-major"]) as Tensor;
const catComposite = (input: Tensor, skip: Tensor) =>
  callKernel("_resize_bilinear_cat_composite", [input, skip]) as Tensor;
const catReference = (input: Tensor, skip: Tensor) =>
  cat([resizeBilinearReference(input, skip.spatialSize("skip")), skip], { dim: 1 });

const float = (tensor: Tensor) => tensor.to({ dtype: "float32" });
const last = (tensor: Tensor) => tensor.contiguous({ memoryFormat: "channels_last" });
const layouts = { "row-major": (tensor: Tensor) => tensor, "channels-last": last };

const cases: Record<string, { shape: Shape; size: Size }> = {
  "one pixel becomes several": { shape: [1, 1, 1, 1], size: { height: 3, width: 2 } },
  doubled: { shape: [2, 5, 4, 3], size: { height: 8, width: 6 } },
  "channels past a vector, fourfold": { shape: [1, 19, 5, 7], size: { height: 20, width: 28 } },
  "no whole factor, another by axis": { shape: [3, 33, 7, 5], size: { height: 9, width: 17 } },
  "shrunk, some pixels read by none": { shape: [2, 4, 23, 31], size: { height: 5, width: 4 } },
  "one axis grows, one shrinks": { shape: [1, 17, 4, 29], size: { height: 13, width: 6 } },
  "its own size": { shape: [2, 3, 6, 5], size: { height: 6, width: 5 } },
  "to one pixel": { shape: [2, 3, 6, 5], size: { height: 1, width: 1 } },
  "several tasks": { shape: [2, 24, 31, 43], size: { height: 62, width: 86 } },
};

for (const [name, { shape, size }] of Object.entries(cases)) {
  const input = filled("input", shape);
  test(`agrees with the reference and PyTorch in value and gradient: ${name}`, () => {
    const expected = withGradients((x) => resizeBilinearReference(x, size), [input]);
    for (const [from, arrange] of Object.entries(layouts))
      for (const layout of ["input", "row-major"] as const)
        for (const [kind, op, given, tolerance] of [
          ["float64", resizeBilinear, input, 1e-14],
          ["composite", composite, input, 1e-14],
          ["float32", resizeBilinear, float(input), 4e-6],
        ] as const)
          for (const [i, found] of withGradients((x) => op(arrange(x), size, { layout }), [given]).entries())
            assertClose(found, expected[i]!, tolerance, `${kind} ${from} to ${layout} ${i ? "gradient" : "output"}`);
  });

  test(`is put before the map beside it: ${name}`, () => {
    const skip = filled("skip", [shape[0], 7, size.height, size.width]);
    const expected = withGradients(catReference, [input, skip]);
    for (const [from, arrange] of Object.entries(layouts))
      for (const [kind, op, given, tolerance] of [
        ["float64", resizeBilinearCat, [input, skip], 1e-14],
        ["composite", catComposite, [input, skip], 1e-14],
        ["float32", resizeBilinearCat, [float(input), float(skip)], 4e-6],
      ] as const)
        for (const [i, found] of withGradients((a, b) => op(arrange(a), arrange(b)), given).entries())
          assertClose(found, expected[i]!, tolerance, `${kind} ${from} ${["output", "input", "skip"][i]}`);
  });
}

test("gradients in float64 are those of central differences", () => {
  const input = last(filled("input", [2, 3, 4, 3]));
  checkGradients((x) => resizeBilinear(x, { height: 7, width: 2 }), [input], ["input"], { tolerance: 1e-8 });
  const skip = filled("skip", [2, 2, 3, 5]);
  checkGradients(resizeBilinearCat, [input, skip], ["input", "skip"], { tolerance: 1e-8 });
});

test("output and gradient have the layout promised, whatever layout the cotangent has", () => {
  const size = { height: 8, width: 10 };
  type Arrange = (tensor: Tensor) => Tensor;
  const strides = (
    op: typeof resizeBilinear,
    arrange: Arrange,
    options: ResizeBilinearOptions,
    cotangentIn: Arrange,
  ) => {
    const leaf = arrange(float(filled("input", [2, 3, 4, 5]))).requiresGrad_();
    const y = op(leaf, size, options);
    const cotangent = cotangentIn(float(filled("cotangent", y.shape)));
    return [y.strides[1], grad([y], [leaf], { cotangents: [cotangent] })[0]!.strides[1]];
  };
  const isFused = (op: unknown) => op !== composite && op !== catComposite && testDevice() === "cpu";
  // A GPU is served by libtorch's operators, whose gradients have the layout of the cotangent.
  for (const op of [resizeBilinear, composite])
    for (const cotangentIn of Object.values(layouts))
      for (const [given, expected] of [
        [strides(op, last, {}, cotangentIn), [1, 1]],
        [strides(op, last, { layout: "row-major" }, cotangentIn), [80, 1]],
        [strides(op, layouts["row-major"], {}, cotangentIn), [80, 20]],
      ] as const)
        assert.deepEqual(given.slice(0, isFused(op) ? 2 : 1), expected.slice(0, isFused(op) ? 2 : 1));
  const [a, b] = [filled("a", [2, 3, 4, 5]), filled("b", [2, 6, 8, 10])];
  for (const op of [resizeBilinearCat, catComposite])
    assert.deepEqual(
      withGradients(op, [a, b]).flatMap(({ strides }, i) => (i === 0 || isFused(op) ? [strides[1]] : [])),
      isFused(op) ? [1, 1, 1] : [1],
    );
});

test("a constant map stays constant, and a gradient of ones adds up to the pixels it came from", () => {
  const size = { height: 11, width: 9 };
  const input = last(zeros([1, 20, 5, 13]).add(0.7));
  assert.ok(resizeBilinear(input, size).sub(0.7).abs().max().item() < 1e-6);
  const leaf = last(filled("input", [1, 20, 5, 13])).requiresGrad_();
  const [gradient] = grad([resizeBilinear(leaf, size).sum()], [leaf]);
  assert.ok(Math.abs(gradient!.sum().item() - 20 * 11 * 9) < 1e-9);
});

test("bfloat16 is computed in float32 and rounded once; autocast widens what is put together", () => {
  const size = { height: 7, width: 11 };
  const low = filled("input", [2, 19, 4, 5]).to({ dtype: "bfloat16" });
  const exact = withGradients((x) => resizeBilinearReference(x, size), [low.to({ dtype: "float64" })]);
  for (const [i, found] of withGradients((x) => resizeBilinear(last(x), size), [low]).entries()) {
    assert.equal(found.dtype, "bfloat16");
    assertClose(found, exact[i]!, 2 ** -8, i ? "gradient" : "output");
  }
  const skip = float(filled("skip", [2, 3, 7, 11]));
  assert.throws(() => resizeBilinearCat(low, skip), /skip: found dtype Float, expected BFloat16, the dtype of input/);
  const together = autocast({ device: testDevice(), dtype: "bfloat16" }, () => resizeBilinearCat(low, skip));
  assert.equal(together.dtype, "float32");
  assert.equal(distance(together, resizeBilinearCat(float(low), skip)), 0);
});

test("the number of threads changes no bit", ofThreads(), () => {
  const [input, skip] = [float(filled("input", [2, 19, 33, 29])), float(filled("skip", [2, 5, 66, 58]))];
  const size = { height: 67, width: 101 };
  for (const arrange of Object.values(layouts)) {
    assertSameOnAnyThreads(() => withGradients((x) => resizeBilinear(arrange(x), size), [input]));
    assertSameOnAnyThreads(() => withGradients((a, b) => resizeBilinearCat(arrange(a), b), [input, skip]));
  }
});

test("an empty batch is an empty result", () => {
  assert.deepEqual(resizeBilinear(zeros([0, 3, 4, 5]), { height: 8, width: 2 }).shape, [0, 3, 8, 2]);
  const [output, a, b] = withGradients(resizeBilinearCat, [zeros([0, 3, 4, 5]), zeros([0, 2, 6, 7])]);
  assert.deepEqual(
    [output!.shape, a!.shape, b!.shape],
    [
      [0, 5, 6, 7],
      [0, 3, 4, 5],
      [0, 2, 6, 7],
    ],
  );
});

test("errors name the argument, what was found, what was expected and what to do", () => {
  const input = zeros([2, 6, 3, 5]);
  assert.throws(
    () => resizeBilinear(input, { height: 0, width: 4 }),
    /resize_bilinear size: found \[0, 4\], expected height and width of at least 1\. Correct it/,
  );
  assert.throws(
    () => resizeBilinear(zeros([2, 6, 0, 5]), { height: 2, width: 4 }),
    /resize_bilinear input: found shape \[2, 6, 0, 5\], expected at least one pixel/,
  );
  assert.throws(
    () => resizeBilinearCat(input, zeros([3, 6, 3, 5])),
    /resize_bilinear_cat skip: found shape \[3, 6, 3, 5\], expected \[2, C2, H, W\]/,
  );
  const given = float(filled("input", [2, 6, 3, 5]));
  assertDifferentiableOnce("resize_bilinear", (leaf) => resizeBilinear(leaf, { height: 4, width: 4 }), given);
  assertDifferentiableOnce("resize_bilinear_cat", (leaf) => resizeBilinearCat(leaf, input), given);
});
