import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, grad, noGrad, type Tensor, zeros } from "@adsam/torch";
import { conv3x3Arguments } from "../src/conv3x3.js";
import { type Conv3x3Options, conv3x3 } from "../src/index.js";
import { callKernel } from "../src/library.js";
import {
  assertClose,
  assertDifferentiableOnce,
  assertSameOnAnyThreads,
  checkGradients,
  cpuOnly,
  distance,
  filled,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

type Size = readonly [batch: number, channels: number, height: number, width: number, out: number];

const names = ["input", "weight", "bias"];

const tensorsOf = ([b, c, h, w, o]: Size): [Tensor, Tensor, Tensor] => [
  filled("input", [b, c, h, w]),
  filled("weight", [o, c, 3, 3]),
  filled("bias", [o]),
];

/** By this project's kernels, whatever the rule says of the size: Winograd's form at stride 1. */
const winograd = (input: Tensor, weight: Tensor, options: Conv3x3Options = {}) =>
  callKernel("conv3x3", conv3x3Arguments(input, weight, options, "own")) as Tensor;

const composite = (input: Tensor, weight: Tensor, options: Conv3x3Options = {}) =>
  callKernel("_conv3x3_composite", conv3x3Arguments(input, weight, options)) as Tensor;

const reference = (input: Tensor, weight: Tensor, { bias, stride = 1, relu = false }: Conv3x3Options = {}) => {
  const sum = input.conv2d(weight, { bias: bias ?? null, padding: 1, stride });
  return relu ? sum.relu() : sum;
};

const run =
  (op: typeof winograd, relu = false, stride = 1) =>
  (input: Tensor, weight: Tensor, bias?: Tensor) =>
    op(input, weight, { bias: bias ?? null, relu, stride });

/** Pictures and weights channels-last; a bias has one layout. */
const last = (tensor: Tensor) =>
  tensor.shape.length === 4 ? tensor.contiguous({ memoryFormat: "channels_last" }) : tensor;

const sizes: Record<string, Size> = {
  "one pixel, one channel": [1, 1, 1, 1, 1],
  "one pixel, many channels": [2, 27, 1, 1, 40],
  "one row": [1, 3, 1, 11, 5],
  "one column": [2, 16, 9, 1, 8],
  "smaller than a tile": [2, 3, 3, 2, 27],
  "no multiple of a tile": [2, 27, 13, 10, 3],
  "whole tiles inside and whole vectors": [1, 32, 16, 20, 64],
  "a last vector over the one before": [1, 41, 17, 22, 27],
  "several blocks of tiles": [2, 17, 41, 63, 33],
  "fewer tiles than channels": [2, 18, 9, 14, 150],
};

for (const [name, size] of Object.entries(sizes))
  test(`agrees with conv2d in value and all gradients: ${name}`, () => {
    for (const relu of [false, true])
      for (const given of [tensorsOf(size), tensorsOf(size).slice(0, 2)]) {
        const expected = withGradients(run(reference, relu), given);
        for (const layout of [(tensor: Tensor) => tensor, last]) {
          const laidOut = given.map(layout);
          for (const [i, found] of withGradients(run(winograd, relu), laidOut).entries())
            assertClose(found, expected[i]!, 1e-13, `float64 ${["output", ...names][i]}`);
          const single = laidOut.map((tensor) => layout(tensor.to({ dtype: "float32" })));
          for (const [i, found] of withGradients(run(winograd, relu), single).entries())
            assertClose(found, expected[i]!, 1e-5, `float32 ${["output", ...names][i]}`);
        }
      }
  });

for (const [name, size, stride] of [
  ["one pixel", [1, 1, 1, 1, 1], 2],
  ["a stride that divides nothing", [2, 27, 13, 10, 3], 3],
  ["several blocks of channels and pixels", [2, 100, 33, 41, 20], 2],
] as const)
  test(`agrees with conv2d at a stride: ${name}`, () => {
    const tensors = tensorsOf(size);
    const expected = withGradients(run(reference, true, stride), tensors);
    for (const given of [tensors, tensors.map(last)]) {
      for (const [i, found] of withGradients(run(winograd, true, stride), given).entries())
        assertClose(found, expected[i]!, 1e-13, `float64 ${["output", ...names][i]}`);
      const single = given.map((tensor) => tensor.to({ dtype: "float32" }));
      for (const [i, found] of withGradients(run(winograd, true, stride), single).entries())
        assertClose(found, expected[i]!, 1e-5, `float32 ${["output", ...names][i]}`);
    }
  });

test("gradients in float64 are those of central differences", () => {
  checkGradients(run(winograd), tensorsOf([2, 3, 5, 6, 2]), names);
  checkGradients(run(winograd, true), tensorsOf([1, 2, 6, 5, 9]), names);
});

test("only the gradients asked for are made", () => {
  const [input, weight, bias] = tensorsOf([1, 5, 7, 6, 4]);
  const expected = withGradients(run(reference), [input, weight, bias]);
  for (const [i, tensor] of [input, weight, bias].entries()) {
    const leaf = tensor.detach().clone().requiresGrad_();
    const output = run(winograd)(...([input, weight, bias].with(i, leaf) as [Tensor, Tensor, Tensor]));
    const cotangent = filled("cotangent", output.shape);
    const [found] = grad([output], [leaf], { cotangents: [cotangent] });
    assertClose(found!, expected[i + 1]!, 1e-13, names[i]!);
  }
});

// The layers of the network at a quarter of their height and width; sums of relative size 1.
for (const [channels, out, size] of [
  [64, 64, 64],
  [256, 256, 16],
  [512, 512, 8],
  [512, 27, 16],
  [32, 27, 64],
  [32, 32, 64],
] as const)
  test(`float32 stays within 10⁻⁵ of the largest number: ${channels} → ${out}`, () => {
    const [input, weight, bias] = tensorsOf([1, channels, size, size, out]);
    const exact = withGradients(run(reference), [input.relu(), weight, bias]);
    const found = withGradients(
      run(winograd),
      [last(input.relu()), weight, bias].map((tensor) => tensor.to({ dtype: "float32" })),
    );
    for (const [i, tensor] of found.entries()) {
      const largest = exact[i]!.abs().max().item();
      assertClose(tensor.div(largest), exact[i]!.div(largest), 1e-5, ["output", ...names][i]!);
    }
  });

const chooses = cpuOnly("a GPU is served by conv2d alone");

test(
  "the fast path is taken for the network's layers in float32, conv2d itself for what it is slower at",
  chooses,
  () => {
    const same = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item() === 0;
    const single = (size: Size) => tensorsOf(size).map((tensor) => last(tensor.to({ dtype: "float32" })));
    for (const size of [
      [1, 64, 64, 64, 64],
      [1, 512, 16, 32, 27],
      [2, 32, 13, 17, 32],
    ] as const) {
      const tensors = single(size) as [Tensor, Tensor, Tensor];
      const [taken, fast, slow] = [conv3x3, winograd, reference].map((op) => withGradients(run(op), tensors));
      for (const [i, name] of ["output", ...names].entries()) {
        assert.ok(same(taken![i]!, fast![i]!), `${size}: Winograd's ${name}`);
        assert.ok(name === "bias" || !same(taken![i]!, slow![i]!), `${size}: not conv2d's ${name}`);
      }
    }
    for (const size of [
      [1, 3, 64, 64, 64], // the transforms cost more than they save
      [1, 64, 64, 64, 4],
      [1, 64, 8, 8, 64], // the weights too
      [1, 32, 1, 400, 32], // most of each tile is outside
    ] as const) {
      const [input, weight] = single(size) as [Tensor, Tensor];
      assert.ok(same(conv3x3(input, weight), reference(input, weight)), `${size}: conv2d's output`);
    }
    const [double, exact] = tensorsOf([1, 64, 16, 16, 64]);
    assert.ok(same(conv3x3(double, exact), reference(double, exact)), "float64");
  },
);

test("the result lies as the input does", () => {
  const [input, weight] = tensorsOf([2, 6, 7, 5, 4]);
  assert.deepEqual([...winograd(input, weight).strides], [140, 35, 5, 1]);
  assert.deepEqual([...winograd(last(input), weight).strides], [140, 1, 20, 4]);
});

test("the number of threads changes no bit", ofThreads(), () => {
  const tensors = tensorsOf([2, 40, 33, 29, 24]).map((tensor) => tensor.to({ dtype: "float32" }));
  assertSameOnAnyThreads(() => withGradients(run(winograd), tensors));
});

test("a pixel that is not a number shows where it is read, also after ReLU", () => {
  const input = zeros([1, 2, 6, 6]);
  input.select(2, 5).select(2, 5).fill_(Number.NaN);
  const output = winograd(input, filled("weight", [2, 2, 3, 3], { dtype: "float32" }), { relu: true });
  assert.ok(Number.isNaN(output.select(2, 5).select(2, 5).toNumbers()[0]));
});

test("under autocast it is the low precision's convolution, gradients in each input's dtype", () => {
  const leaves = tensorsOf([1, 4, 6, 5, 3]).map((tensor) => tensor.to({ dtype: "float32" }).requiresGrad_());
  const output = autocast({ device: testDevice(), dtype: "bfloat16" }, () =>
    run(conv3x3)(...(leaves as [Tensor, Tensor, Tensor])),
  );
  assert.equal(output.dtype, "bfloat16");
  for (const gradient of grad([output.sum()], leaves)) assert.equal(gradient!.dtype, "float32");
});

test("the composite is the same function", () => {
  const tensors = tensorsOf([2, 5, 6, 7, 3]);
  const expected = withGradients(run(reference, true), tensors);
  for (const [i, found] of withGradients(run(composite, true), tensors).entries())
    assertClose(found, expected[i]!, 1e-14, ["output", ...names][i]!);
});

test("without a graph the values are the same, and an empty batch is an empty result", () => {
  const [input, weight] = tensorsOf([2, 3, 6, 5, 3]);
  weight.requiresGrad_();
  const quiet = noGrad(() => winograd(input, weight));
  assert.equal(quiet.requiresGrad, false);
  assert.equal(distance(quiet, winograd(input, weight)), 0);
  assert.deepEqual(conv3x3(zeros([0, 3, 6, 5]), zeros([4, 3, 3, 3])).shape, [0, 4, 6, 5]);
});

test("errors name what was found and what was expected", () => {
  const input = zeros([1, 4, 6, 5]);
  const says = (text: string, call: () => unknown) =>
    assert.throws(call, (error: Error) => {
      assert.ok(error.message.includes(text), error.message);
      return true;
    });
  says("conv3x3 weight: found shape [2, 3, 3, 3], expected [2, 4, 3, 3] [O, C, 3, 3]", () =>
    conv3x3(input, zeros([2, 3, 3, 3])),
  );
  says("conv3x3 weight: found shape [2, 4, 5, 5], expected [2, 4, 3, 3]", () => conv3x3(input, zeros([2, 4, 5, 5])));
  says("conv3x3 bias: found shape [3], expected [2]", () => conv3x3(input, zeros([2, 4, 3, 3]), { bias: zeros([3]) }));
  says("conv3x3 weight: found dtype Double, expected Float, the dtype of input", () =>
    conv3x3(input, zeros([2, 4, 3, 3], { dtype: "float64" })),
  );
  assertDifferentiableOnce(
    "conv3x3",
    (leaf) => conv3x3(leaf, zeros([2, 4, 3, 3])),
    filled("input", [1, 4, 6, 5], { dtype: "float32" }),
  );
});
