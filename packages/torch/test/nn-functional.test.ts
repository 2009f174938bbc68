import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, ones, Problem, randn, scope, type Tensor, zeros } from "../src/index.js";
import type { CrossEntropyOptions, InterpolateOptions, PadSides } from "../src/nn/functional.js";
import { assertClose, assertSame, fromGolden, type GoldenTensor, readGolden } from "./golden.js";

const { crossEntropy, gelu, interpolate, pad } = nn.functional;

const golden = readGolden<{
  interpolations: Record<string, Record<"input" | "output" | "cotangent" | "inputGradient", GoldenTensor>>;
  crossEntropies: Record<string, Record<"logits" | "target" | "loss" | "gradient", GoldenTensor>>;
  pads: Record<string, Record<"input" | "output", GoldenTensor>>;
}>("nn.json");

const interpolations: Record<string, InterpolateOptions> = {
  "nearest to a size": { size: { height: 8, width: 3 }, mode: "nearest" },
  "nearest by a factor": { scaleFactor: 1.7 },
  "bilinear to a size": { size: { height: 8, width: 3 }, mode: "bilinear" },
  "bilinear by a factor": { scaleFactor: { height: 1.7, width: 0.6 }, mode: "bilinear" },
  "bilinear, corners aligned": { size: { height: 9, width: 4 }, mode: "bilinear", alignCorners: true },
  "bilinear, antialiased": { size: { height: 3, width: 4 }, mode: "bilinear", antialias: true },
  "bicubic to a size": { size: { height: 8, width: 11 }, mode: "bicubic" },
  "bicubic, antialiased": { size: { height: 3, width: 4 }, mode: "bicubic", antialias: true },
};

test("each interpolation and cross-entropy of the golden file is tested", () => {
  assert.deepEqual(Object.keys(interpolations), Object.keys(golden.interpolations));
  assert.deepEqual(["mean", ...Object.keys(crossEntropies)], Object.keys(golden.crossEntropies));
  assert.deepEqual(Object.keys(pads), Object.keys(golden.pads));
});

for (const [name, options] of Object.entries(interpolations))
  test(`interpolate ${name}: values and gradient are PyTorch's`, () => {
    scope(() => {
      const expected = golden.interpolations[name]!;
      const x = fromGolden(expected.input).requiresGrad_();
      const output = interpolate(x, options);
      assertClose(output, expected.output, "output");
      output.backward(fromGolden(expected.cotangent));
      assertClose(x.grad!, expected.inputGradient, "gradient", 2e-6);
    });
  });

test("interpolate refuses what contradicts itself", () => {
  const x = ones([3, 2, 5, 7]);
  const size = { height: 3, width: 4 };
  assert.throws(() => interpolate(x, {}), {
    name: "Problem",
    message: "interpolate: found neither `size` nor `scaleFactor`, expected one of them",
  });
  assert.throws(() => interpolate(x, { size, scaleFactor: 2 }), /found both `size` and `scaleFactor`/);
  assert.throws(() => interpolate(x, { size, mode: "nearest", antialias: true }), /mode "nearest" with antialias/);
  assert.throws(() => interpolate(ones([5, 7]), { size }), /`x`: found a tensor of 2 dimensions, \[5, 7\]/);
});

const classWeights = () => fromGolden({ dtype: "float32", shape: [5], data: base64([0.5, 1, 2, 0.25, 3]) });
const base64 = (values: number[]) => Buffer.from(Float32Array.from(values).buffer).toString("base64");

const crossEntropies: Record<string, () => CrossEntropyOptions> = {
  none: () => ({ reduction: "none" }),
  "sum, weighted": () => ({ reduction: "sum", weight: classWeights() }),
  "mean, weighted": () => ({ weight: classWeights() }),
  "mean, smoothed": () => ({ labelSmoothing: 0.1 }),
};

for (const [name, options] of Object.entries({ mean: () => ({}), ...crossEntropies }))
  test(`crossEntropy ${name}: loss and gradient are PyTorch's`, () => {
    scope(() => {
      const expected = golden.crossEntropies[name]!;
      const logits = fromGolden(expected.logits).requiresGrad_();
      const loss = crossEntropy(logits, fromGolden(expected.target), { ignoreIndex: 255, ...options() });
      assertClose(loss, expected.loss, "loss");
      loss.sum().backward();
      assertClose(logits.grad!, expected.gradient, "gradient");
    });
  });

test("crossEntropy names a target of the wrong type or shape", () => {
  const logits = zeros([3, 5, 4, 6], { dtype: "float32" });
  assert.throws(() => crossEntropy(logits, zeros([3, 4, 6], { dtype: "uint8" })), {
    message:
      "crossEntropy: `target`: found uint8 [3, 4, 6], expected int64 [3, 4, 6] for logits [3, 5, 4, 6]. " +
      'Convert it with target.to({ dtype: "int64" }).',
  });
  assert.throws(() => crossEntropy(logits, zeros([3, 6, 4], { dtype: "int64" })), Problem);
});

test("crossEntropy refuses an id that is no class", () => {
  const logits = zeros([3, 5, 4, 6], { dtype: "float32" });
  const target = zeros([3, 4, 6], { dtype: "int64" }).fill_(7);
  assert.throws(() => crossEntropy(logits, target), /Target 7 is out of bounds/);
});

const pads: Record<string, (x: Tensor) => Tensor> = {
  constant: (x) => pad(x, { left: 1, right: 2, bottom: 3 }, { value: 0.5 }),
  reflect: (x) => pad(x, { left: 3, right: 1, top: 2 }, { mode: "reflect" }),
  cut: (x) => pad(x, { left: -1, right: 2, bottom: -2 } satisfies PadSides),
};

for (const [name, apply] of Object.entries(pads))
  test(`pad, ${name}: PyTorch's, each side where it belongs`, () => {
    scope(() => assertSame(apply(fromGolden(golden.pads[name]!.input)), golden.pads[name]!.output, name));
  });

test("LayerNorm2d keeps the memory layout it is given", () => {
  scope(() => {
    const norm = new nn.LayerNorm2d(4);
    const x = randn([3, 4, 5, 7]);
    assert.deepEqual(norm.call(x).strides, x.strides);
    const last = x.contiguous({ memoryFormat: "channels_last" });
    assert.deepEqual(norm.call(last).strides, last.strides);
    norm.dispose();
  });
});

test("gelu's gradient does not depend on the memory layout of what comes back to it", () => {
  scope(() => {
    const values = randn([2, 6, 5, 7]);
    const cotangent = randn([2, 6, 5, 7]);
    const layouts: Record<string, (t: Tensor) => Tensor> = {
      "row-major": (t) => t.clone(),
      "channels last": (t) => t.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]),
      transposed: (t) => t.transpose(2, 3).contiguous().transpose(2, 3),
    };
    const slope = (x: Tensor, laidOut: Tensor): Tensor =>
      scope(() => {
        const leaf = x.detach().requiresGrad_();
        const poison = randn([2, 6, 5, 7]).mul(1e30); // what an unwritten result would show
        poison.dispose();
        gelu(leaf).backward(laidOut);
        return leaf.grad!.clone();
      });
    const expected = slope(values, cotangent);
    for (const [nameX, ofX] of Object.entries(layouts))
      for (const [nameG, ofG] of Object.entries(layouts)) {
        const difference = slope(ofX(values), ofG(cotangent)).sub(expected).abs().max().item();
        assert.ok(difference < 2e-6, `x ${nameX}, gradient ${nameG}: off by ${difference}`);
      }
  });
});
