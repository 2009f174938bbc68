import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, grad, type Tensor, zeros } from "@adsam/torch";
import { type GroupNormOptions, groupNorm } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { groupNormReference } from "../src/reference/group-norm.js";
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

type Shape = readonly [number, number, number, number];
type Op = typeof groupNorm;

const names = ["input", "weight", "bias"];
const activations = ["none", "gelu"] as const;

const tensorsOf = (shape: Shape): Tensor[] => [
  filled("input", shape, { lo: -2, hi: 3 }),
  filled("weight", [shape[1]], { lo: 0.5, hi: 2 }),
  filled("bias", [shape[1]]),
];
const run =
  (op: Op, groups: number, options: GroupNormOptions = {}) =>
  (input: Tensor, weight?: Tensor, bias?: Tensor) =>
    op(input, groups, { ...options, weight: weight ?? null, bias: bias ?? null });
const composite: Op = (input, groups, { weight, bias, eps = 1e-5, activation = "none" } = {}) =>
  callKernel("_group_norm_composite", [input, groups, weight, bias, eps, activation === "gelu"]) as Tensor;
const single = (tensors: readonly Tensor[]) => tensors.map((tensor) => tensor.to({ dtype: "float32" }));
const last = (tensor: Tensor) => tensor.contiguous({ memoryFormat: "channels_last" });

const cases: Record<string, { shape: Shape; groups: number }> = {
  "one of everything": { shape: [1, 1, 1, 1], groups: 1 },
  "three pictures, not square": { shape: [3, 6, 7, 5], groups: 2 },
  "a group a channel": { shape: [2, 5, 4, 9], groups: 5 },
  "one group, channels past a vector": { shape: [2, 33, 5, 3], groups: 1 },
  "more channels than a period, one column wide": { shape: [2, 300, 3, 1], groups: 4 },
  "several spans": { shape: [2, 24, 67, 41], groups: 8 },
  "several spans a channel": { shape: [1, 2, 257, 129], groups: 2 },
};

for (const [name, { shape, groups }] of Object.entries(cases))
  for (const activation of activations)
    test(`agrees with the reference in value and all gradients: ${name}, ${activation}`, () => {
      const tensors = tensorsOf(shape);
      for (const given of [tensors, tensors.slice(0, 1)]) {
        const expected = withGradients(run(groupNormReference, groups, { activation }), given);
        for (const [kind, op, from, tolerance] of [
          ["float64", groupNorm, given, 1e-11],
          ["composite", composite, given, 1e-11],
          ["float32", groupNorm, single(given), 1e-4],
        ] as const)
          for (const layout of ["row-major", "channels-last"] as const) {
            const inputs = layout === "row-major" ? from : [last(from[0]!), ...from.slice(1)];
            for (const [i, found] of withGradients(run(op, groups, { activation }), inputs).entries())
              assertClose(found, expected[i]!, tolerance, `${kind} ${layout} ${["output", ...names][i]}`);
          }
      }
    });

test("gradients in float64 are those of central differences", () => {
  for (const activation of activations)
    checkGradients(run(groupNorm, 2, { activation, eps: 1e-3 }), tensorsOf([2, 4, 3, 5]), names, { tolerance: 1e-6 });
});

test("output and gradient have the layout of the input", () => {
  const input = filled("input", [2, 6, 7, 5], { dtype: "float32" });
  const answers = [input, last(input)].map((x) => {
    const leaf = x.detach().requiresGrad_();
    const y = groupNorm(leaf, 3, { activation: "gelu" });
    const [gradient] = grad([y], [leaf], { cotangents: [filled("cotangent", y.shape, { dtype: "float32" })] });
    return { y, gradient: gradient! };
  });
  assert.deepEqual(
    answers.map(({ y }) => y.strides[1]),
    [35, 1],
  );
  if (testDevice() === "cpu")
    assert.deepEqual(
      answers.map(({ gradient }) => gradient.strides[1]),
      [35, 1],
    );
  assert.ok(distance(answers[1]!.y, answers[0]!.y) < 1e-6);
  assert.ok(distance(answers[1]!.gradient, answers[0]!.gradient) < 1e-6);
});

test("a gradient that arrives in the other layout gives the same numbers", () => {
  const leaf = last(filled("input", [2, 6, 7, 5], { dtype: "float32" })).requiresGrad_();
  const cotangent = filled("cotangent", [2, 6, 7, 5], { dtype: "float32" });
  const [own, other] = [last(cotangent), cotangent].map(
    (given) => grad([groupNorm(leaf, 3, { activation: "gelu" })], [leaf], { cotangents: [given] })[0]!,
  );
  assert.ok(distance(other!, own!) <= (testDevice() === "cpu" ? 0 : 1e-6));
});

const digits = cpuOnly("libtorch's own operator serves a GPU, with digits of its own");

test("statistics of values far from zero, or with one far off, keep their digits", digits, () => {
  const shape: Shape = [1, 4, 37, 29];
  for (const [what, input] of [
    ["all near 10000", filled("input", shape).add(1e4)],
    ["the first at 1e6", firstAt(filled("input", shape), 1e6)],
  ] as const) {
    const low = input.to({ dtype: "float32" });
    const expected = groupNormReference(low.to({ dtype: "float64" }), 2);
    for (const given of [low, last(low)]) assertClose(groupNorm(given, 2), expected, 2e-3, what);
  }
});

function firstAt(tensor: Tensor, value: number): Tensor {
  tensor.select(0, 0).select(0, 0).select(0, 0).select(0, 0).fill_(value);
  return tensor;
}

test("GELU is libtorch's by erf from far below zero to far above, and its slope", () => {
  // One group of constant mean and variance would hide z: a weight of 0 leaves the bias alone as z.
  const z = filled("z", [4001], { lo: -8, hi: 8 }).sort({ dim: 0 })[0].to({ dtype: "float32" });
  const input = filled("input", [1, 4001, 1, 2], { dtype: "float32" });
  const exact = z.to({ dtype: "float64" });
  const slope = (x: Tensor) => {
    const leaf = x.detach().requiresGrad_();
    return grad([exactGelu(leaf).sum()], [leaf])[0]!;
  };
  const bias = z.detach().requiresGrad_();
  const y = groupNorm(input, 1, { weight: zeros([4001]), bias, activation: "gelu" });
  const apart = y.select(3, 0).flatten().sub(exactGelu(exact)).abs();
  assert.ok(
    apart
      .div(exact.abs().clamp({ min: 1 }))
      .max()
      .item() < (testDevice() === "cpu" ? 2.5e-7 : 6e-7), // two roundings; a GPU's normcdf has several
  );
  const [found] = grad([y.select(3, 0).sum()], [bias]);
  assert.ok(found!.sub(slope(exact)).abs().max().item() < 4e-7);
});

const exactGelu = (x: Tensor) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);

test("a value that is not a number, and infinity, show in the whole group and nowhere else", () => {
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) {
    const input = filled("input", [1, 4, 3, 3], { dtype: "float32" });
    input.select(1, 2).select(1, 1).fill_(bad);
    for (const given of [input, last(input)]) {
      const y = groupNorm(given, 2, { activation: "gelu" });
      assert.ok(y.narrow(1, 2, 2).toNumbers().every(Number.isNaN));
      assert.ok(y.narrow(1, 0, 2).toNumbers().every(Number.isFinite));
    }
  }
});

test("bfloat16 is computed in float32 and rounded once, beside float32 weights, and autocast changes nothing", () => {
  const [input, weight, bias] = single(tensorsOf([2, 24, 9, 11])) as [Tensor, Tensor, Tensor];
  const low = input.to({ dtype: "bfloat16" });
  const exact = withGradients(run(groupNormReference, 8, { activation: "gelu" }), [
    low.to({ dtype: "float64" }),
    weight.to({ dtype: "float64" }),
    bias.to({ dtype: "float64" }),
  ]);
  const found = withGradients(run(groupNorm, 8, { activation: "gelu" }), [low, weight, bias]);
  assert.deepEqual(
    found.map((tensor) => tensor.dtype),
    ["bfloat16", "bfloat16", "float32", "float32"],
  );
  for (const [i, tensor] of found.entries()) assertClose(tensor, exact[i]!, 2 ** -7, ["output", ...names][i]!);
  const within = autocast({ device: testDevice(), dtype: "bfloat16" }, () => groupNorm(input, 8, { weight, bias }));
  assert.equal(distance(within, groupNorm(input, 8, { weight, bias })), 0);
});

test("the number of threads changes no bit", ofThreads(), () => {
  for (const layout of [last, (tensor: Tensor) => tensor]) {
    const [input, ...rest] = single(tensorsOf([2, 24, 97, 61]));
    assertSameOnAnyThreads(() =>
      withGradients(
        (x, weight, bias) => run(groupNorm, 8, { activation: "gelu" })(layout(x), weight, bias),
        [input!, ...rest],
      ),
    );
  }
});

test("an empty batch is an empty result with zero gradients", () => {
  const [output, gradient, weight] = withGradients(run(groupNorm, 2), [zeros([0, 4, 3, 5]), zeros([4]), zeros([4])]);
  assert.deepEqual(
    [output!.shape, gradient!.shape],
    [
      [0, 4, 3, 5],
      [0, 4, 3, 5],
    ],
  );
  assert.deepEqual([...weight!.toNumbers()], [0, 0, 0, 0]);
});

test("errors name the argument, what was found, what was expected and what to do", () => {
  const input = zeros([2, 6, 3, 5]);
  assert.throws(() => groupNorm(input, 4), /group_norm groups: found 4, expected a divisor of 6 channels\. Correct it/);
  assert.throws(
    () => groupNorm(input, 2, { weight: zeros([5]) }),
    /group_norm weight: found shape \[5\], expected \[6\] \[C\]\. One number for each channel of the input/,
  );
  assert.throws(
    () => groupNorm(zeros([6, 3, 5]), 2),
    /group_norm input: found shape \[6, 3, 5\], expected \[B, C, H, W\]/,
  );
  const given = filled("input", [2, 6, 3, 5], { dtype: "float32" });
  assertDifferentiableOnce("group_norm", (leaf) => groupNorm(leaf, 2), given);
});
