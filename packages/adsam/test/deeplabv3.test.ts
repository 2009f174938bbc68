import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Generator, nn, noGrad, randn, scope, type Tensor } from "@adsam/torch";
import { DeepLabV3 } from "../src/models/deeplab/deeplabv3.js";
import {
  assertClose,
  assertNumber,
  fillModule,
  type GoldenTensor,
  goldenCotangent,
  goldenInput,
  type InputSpec,
  loadGolden,
} from "./golden.js";

interface Golden {
  readonly parameters: number;
  readonly inputs: { readonly image: InputSpec };
  readonly out: GoldenTensor;
  readonly aux: GoldenTensor;
}

/** Made by golden/deeplabv3.py with torchvision's network in float64. */
interface TrainingGolden {
  readonly inputs: { readonly image: InputSpec };
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  /** With BatchNorm's running statistics, and with the batch's own. */
  readonly gradL2: Readonly<Record<"still" | "learning", Readonly<Record<string, number>>>>;
  /** After the step that learns them. */
  readonly runningL2: Readonly<Record<string, number>>;
}

const training = loadGolden<TrainingGolden>("deeplabv3-training.json");
const l2 = (tensor: Tensor) => scope(() => tensor.to({ dtype: "float64" }).square().sum().sqrt().item());

/** Of the golden file's scalar. */
function backward(network: DeepLabV3, image: Tensor): void {
  scope(() => {
    const { logits, auxiliary } = network.trainingLogits({ image });
    const sum = logits.add(auxiliary.mul(0.4));
    const cotangent = goldenCotangent(sum.shape).to({ dtype: sum.dtype });
    sum.mul(cotangent).sum().backward();
  });
}

function assertGradients(network: DeepLabV3, expected: Readonly<Record<string, number>>, tol: number): void {
  const found = [...network.namedParameters()];
  assert.deepEqual(
    found.map(([name]) => name),
    Object.keys(expected),
  );
  for (const [name, { grad }] of found) assertNumber(l2(grad!), expected[name]!, { tol, name });
}

/** With first weights by a seed, small. */
function small(config: { frozenBatchNorm?: boolean } = {}): DeepLabV3 {
  Generator.default().seed(3);
  return new DeepLabV3({ resnet: "nano", numClasses: 5, ...config });
}

describe("DeepLabV3 beside torchvision's", () => {
  for (const resnet of ["resnet50", "resnet101"] as const)
    test(`${resnet}: parameters, logits and auxiliary logits`, () => {
      const golden = loadGolden<Golden>(`deeplabv3-${resnet}.json`);
      using network = nn.init.skipInit(() => new DeepLabV3({ resnet }));
      assert.deepEqual(network.parameterCount(), { trained: golden.parameters, frozen: 0 });
      fillModule(network).eval();
      scope(() => {
        const image = goldenInput("image", golden.inputs.image);
        assertClose(
          noGrad(() => network.call({ image })),
          golden.out,
          { name: "out, in inference" },
        );
        const { logits, auxiliary } = network.trainingLogits({ image });
        assertClose(logits, golden.out, { name: "out, with a graph" });
        assertClose(auxiliary, golden.aux, { name: "aux" });
      });
    });

  test("names and shapes in order", () => {
    using network = nn.init.skipInit(() => new DeepLabV3());
    const shapes = [...network.stateDict()].map(([name, { shape }]) => [name, [...shape]]);
    assert.deepEqual(shapes, Object.entries(training.shapes));
  });

  test("the gradient of every weight in float32, BatchNorm standing still", () => {
    using network = fillModule(nn.init.skipInit(() => new DeepLabV3())).eval();
    backward(network, goldenInput("image", training.inputs.image));
    assertGradients(network, training.gradL2.still, 1e-3);
  });

  test("the gradient of every weight in float64 and the statistics after a step, BatchNorm learning", () => {
    using network = fillModule(nn.init.skipInit(() => new DeepLabV3())).train();
    network.to({ dtype: "float64" });
    for (const [, module] of network.modules()) if (module instanceof nn.Dropout) module.eval();
    backward(network, goldenInput("image", training.inputs.image).to({ dtype: "float64" }));
    assertGradients(network, training.gradL2.learning, 1e-6);
    const state = network.stateDict();
    for (const [name, expected] of Object.entries(training.runningL2))
      assertNumber(l2(state.get(name)!), expected, { tol: 1e-9, name });
  });
});

describe("DeepLabV3", () => {
  test("takes pictures of any size; in evaluation they do not see each other", () => {
    using network = small().eval();
    noGrad(() =>
      scope(() => {
        const image = randn([2, 3, 100, 67]);
        const logits = network.call({ image });
        assert.deepEqual(logits.shape, [2, 5, 100, 67]);
        const second = network.call({ image: image.narrow(0, 1, 1) });
        assert.ok(logits.narrow(0, 1, 1).sub(second).abs().max().item() < 1e-5);
      }),
    );
  });

  test("a batch of one picture trains: the pooled branch, one value a channel, leaves its statistics alone", () => {
    using network = small().train();
    const state = network.stateDict();
    const norms = ["classifier.0.convs.4.2", "classifier.0.project.1"] as const;
    scope(() => {
      const logits = network.trainingLogits({ image: randn([1, 3, 64, 96]) }).logits;
      logits.square().mean().backward();
      for (const [, { grad }] of network.namedParameters()) if (grad) assert.ok(Number.isFinite(l2(grad)));
      const variance = (name: string) => state.get(`${name}.running_var`)!.sub(1).abs().max().item();
      assert.equal(variance(norms[0]), 0);
      assert.ok(variance(norms[1]) > 0);
      assert.ok(state.get("classifier.0.convs.4.1.weight")!.grad!.abs().max().item() > 0);
    });
  });

  test("a frozen ResNet keeps its statistics, and its weights learn; the heads learn both", () => {
    using network = small({ frozenBatchNorm: true }).train();
    const before = new Map([...network.namedBuffers()].map(([name, tensor]) => [name, l2(tensor)]));
    scope(() => {
      const { logits, auxiliary } = network.trainingLogits({ image: randn([2, 3, 64, 96]) });
      logits.square().mean().add(auxiliary.square().mean()).backward();
    });
    for (const [name, tensor] of network.namedBuffers())
      assert.equal(l2(tensor) === before.get(name), name.startsWith("backbone."), name);
    for (const [name, { grad }] of network.namedParameters()) assert.ok(grad, name);
  });

  test("evaluation leaves the auxiliary head aside, and dropout", () => {
    using network = small().eval();
    scope(() => {
      const image = randn([1, 3, 64, 64]);
      const logits = network.call({ image });
      logits.square().mean().backward();
      for (const [name, { grad }] of network.namedParameters())
        assert.equal(grad === undefined, name.startsWith("aux_classifier."), name);
      assert.ok(network.call({ image }).equal(logits));
    });
  });
});
