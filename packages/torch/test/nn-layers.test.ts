import assert from "node:assert/strict";
import { test } from "node:test";
import { Generator, liveTensors, nn, scope } from "../src/index.js";
import { assertClose, assertSame, fromGolden, type GoldenTensor, readGolden, stateFromGolden } from "./golden.js";

interface LayerCase {
  readonly first: Record<string, GoldenTensor>;
  readonly state: Record<string, GoldenTensor>;
  readonly input: GoldenTensor;
  readonly output: GoldenTensor;
  readonly cotangent: GoldenTensor;
  readonly gradients: Record<string, GoldenTensor>;
  readonly after: Record<string, GoldenTensor>;
  readonly inputGradient?: GoldenTensor;
}

const golden = readGolden<{ torch: string; layers: Record<string, LayerCase> }>("nn.json");

/** The layers of golden/make_nn.py, in our words. */
const layers: Record<string, () => nn.Module> = {
  Linear: () => new nn.Linear(5, 3),
  "Linear without bias": () => new nn.Linear(5, 3, { bias: false }),
  Conv2d: () => new nn.Conv2d(4, 6, { kernelSize: 3 }),
  "Conv2d strided, not square": () =>
    new nn.Conv2d(4, 6, {
      kernelSize: { height: 3, width: 2 },
      stride: { height: 2, width: 1 },
      padding: { height: 1, width: 2 },
      dilation: { height: 1, width: 2 },
      bias: false,
    }),
  "Conv2d in groups": () => new nn.Conv2d(4, 6, { kernelSize: 3, padding: 1, groups: 2 }),
  ConvTranspose2d: () => new nn.ConvTranspose2d(4, 6, { kernelSize: 2, stride: 2 }),
  "ConvTranspose2d in groups": () =>
    new nn.ConvTranspose2d(4, 6, {
      kernelSize: { height: 3, width: 2 },
      stride: { height: 2, width: 3 },
      padding: { height: 1, width: 0 },
      outputPadding: { height: 1, width: 2 },
      groups: 2,
      bias: false,
    }),
  LayerNorm: () => new nn.LayerNorm(5),
  "LayerNorm over two dimensions": () => new nn.LayerNorm([4, 5], { eps: 1e-3 }),
  LayerNorm2d: () => new nn.LayerNorm2d(4),
  GroupNorm: () => new nn.GroupNorm(2, 4, { eps: 1e-4 }),
  BatchNorm2d: () => new nn.BatchNorm2d(4, { eps: 1e-4, momentum: 0.3 }),
  "BatchNorm2d evaluated": () => new nn.BatchNorm2d(4).eval(),
  "BatchNorm2d frozen": () => new nn.BatchNorm2d(4, { frozen: true }),
  Embedding: () => new nn.Embedding(6, 4, { paddingIdx: 2 }),
  ReLU: () => new nn.ReLU(),
  GELU: () => new nn.GELU(),
  "GELU by tanh": () => new nn.GELU({ approximate: "tanh" }),
  SiLU: () => new nn.SiLU(),
  Sigmoid: () => new nn.Sigmoid(),
  Tanh: () => new nn.Tanh(),
  Hardswish: () => new nn.Hardswish(),
  Softmax: () => new nn.Softmax(1),
  Dropout: () => new nn.Dropout(0.3),
  MaxPool2d: () => new nn.MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
  "MaxPool2d, ceil": () =>
    new nn.MaxPool2d({ kernelSize: { height: 2, width: 3 }, dilation: { height: 1, width: 2 }, ceilMode: true }),
  AvgPool2d: () =>
    new nn.AvgPool2d({ kernelSize: { height: 2, width: 3 }, stride: { height: 2, width: 1 }, padding: 1 }),
  "AvgPool2d without padding": () =>
    new nn.AvgPool2d({ kernelSize: 3, padding: 1, ceilMode: true, countIncludePad: false }),
  AdaptiveAvgPool2d: () => new nn.AdaptiveAvgPool2d({ height: 2, width: 3 }),
  AdaptiveMaxPool2d: () => new nn.AdaptiveMaxPool2d({ height: 3, width: 2 }),
  Flatten: () => new nn.Flatten(),
  Upsample: () => new nn.Upsample({ scaleFactor: 2, mode: "bilinear" }),
  Sequential: () =>
    new nn.Sequential(
      new nn.Conv2d(4, 6, { kernelSize: 3, bias: false }),
      new nn.BatchNorm2d(6),
      new nn.Sequential(new nn.ReLU(), new nn.Conv2d(6, 2, { kernelSize: 1 })),
      new nn.Identity(),
    ),
};

test("every layer has golden numbers, and every golden number a layer", () => {
  assert.deepEqual(Object.keys(layers), Object.keys(golden.layers));
});

for (const [name, make] of Object.entries(layers)) {
  const expected = golden.layers[name]!;

  test(`${name}: names and first weights are PyTorch's, bit for bit`, () => {
    Generator.default().seed(7);
    using layer = make();
    const state = layer.stateDict();
    assert.deepEqual([...state.keys()], Object.keys(expected.first));
    for (const [key, tensor] of state) assertSame(tensor, expected.first[key]!, `${name}: ${key}`);
  });

  test(`${name}: output, gradients and buffers are PyTorch's`, () => {
    using layer = make();
    scope(() => {
      layer.loadStateDict(stateFromGolden(expected.state));
      const x = fromGolden(expected.input);
      if (expected.inputGradient) x.requiresGrad = true;
      Generator.default().seed(9);
      const output = layer.call(x);
      assertClose(output, expected.output, "output");
      if (output.requiresGrad) output.backward(fromGolden(expected.cotangent));
      if (expected.inputGradient) assertClose(x.grad!, expected.inputGradient, "gradient of the input", 2e-6);
      assert.deepEqual([...layer.namedParameters()].map(([key]) => key).sort(), Object.keys(expected.gradients).sort());
      for (const [key, tensor] of layer.namedParameters())
        assertClose(tensor.grad!, expected.gradients[key]!, `gradient of ${key}`, 2e-6);
      for (const [key, tensor] of layer.namedBuffers()) assertClose(tensor, expected.after[key]!, `${key} afterwards`);
    });
  });

  test(`${name}: forward and backward leave no tensor behind`, () => {
    using layer = make();
    const pass = () =>
      scope(() => {
        const x = fromGolden(expected.input);
        if (x.dtype === "float32") x.requiresGrad = true;
        layer.call(x).sum().backward();
      });
    pass();
    const before = liveTensors().count;
    pass();
    assert.equal(liveTensors().count, before);
  });
}
