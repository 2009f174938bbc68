import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  autocast,
  cat,
  empty,
  grad,
  liveTensors,
  nn,
  noGrad,
  Problem,
  scope,
  type Tensor,
  withDevice,
} from "@adsam/torch";
import { mobileSamConfig, type TinyVitConfig } from "../src/models/mobile-sam/config.js";
import { TinyVit } from "../src/models/mobile-sam/tiny-vit.js";
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

interface ReleasedGolden {
  readonly parameters: number;
  readonly inputs: { readonly image: InputSpec };
  readonly embedding: GoldenTensor;
}

/** Made by golden/mobile_sam.py, a network in PyTorch that agrees with the released numbers to 2e-6. */
interface SmallGolden {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly inputs: { readonly image: InputSpec; readonly wide: InputSpec };
  readonly embedding: GoldenTensor;
  readonly wideEmbedding: GoldenTensor;
  readonly gradL2: Readonly<Record<string, number>>;
  readonly gradInputL2: number;
  readonly trainingEmbedding: GoldenTensor;
  readonly runningAfterTraining: { readonly mean: GoldenTensor; readonly var: GoldenTensor };
}

const small = loadGolden<SmallGolden>("mobile-sam-small.json");
const filled = (options: { frozenBatchNorm?: boolean } = {}) => fillModule(new TinyVit(mobileSamConfig, options));
const isOfTheClassifier = (name: string) => name.startsWith("head.") || name.startsWith("norm_head.");
const l2 = (tensor: Tensor) => tensor.to({ dtype: "float64" }).square().sum().sqrt().item();
const farthest = (a: Tensor, b: Tensor) => a.sub(b).abs().max().item();

/** Runs `body` with tensors of its own, without a graph. */
const evaluated = (body: () => void) => noGrad(() => scope(body));

describe("MobileSAM's image encoder", () => {
  test("gives the reference's embedding at 1024×1024", () => {
    const golden = loadGolden<ReleasedGolden>("mobile-sam-encoder.json");
    using encoder = filled().eval();
    evaluated(() => assertClose(encoder.call(goldenInput("image", golden.inputs.image)), golden.embedding));
  });

  test("has the released file's names and sizes in its order, the classifier's too, and builds without memory", () => {
    const golden = loadGolden<ReleasedGolden>("mobile-sam-encoder.json");
    withDevice("meta", () =>
      evaluated(() => {
        const encoder = new TinyVit(mobileSamConfig);
        const shapes = [...encoder.stateDict()].map(([name, tensor]) => [name, [...tensor.shape]]);
        assert.deepEqual(shapes, Object.entries(small.shapes));
        const { trained, frozen } = encoder.parameterCount();
        assert.equal(trained + frozen, golden.parameters);
        assert.equal(frozen, 2 * 320 + 1000 * 321, "the classifier");
        assert.deepEqual([...encoder.call(empty([2, 3, 512, 1024])).shape], [2, 256, 32, 64]);
        encoder.dispose();
      }),
    );
  });

  test("two pictures that are not square: embedding, and the gradient of every weight a picture passes", () => {
    using encoder = filled();
    scope(() => {
      const image = goldenInput("image", small.inputs.image).requiresGrad_();
      const embedding = encoder.call(image);
      assertClose(embedding, small.embedding);
      const names = [...encoder.namedParameters()].filter(([, tensor]) => tensor.requiresGrad);
      assert.deepEqual(names.map(([name]) => name).sort(), Object.keys(small.gradL2).sort());
      const cotangent = goldenCotangent(embedding.shape);
      const gradients = grad([embedding.mul(cotangent).sum()], [image, ...names.map(([, tensor]) => tensor)]);
      assertNumber(l2(gradients[0]!), small.gradInputL2, { tol: 1e-3, name: "input gradient" });
      for (const [i, [name]] of names.entries())
        assertNumber(l2(gradients[i + 1]!), small.gradL2[name]!, { tol: 1e-3, name });
    });
  });

  test("whole windows in every stage", () => {
    using encoder = filled().eval();
    evaluated(() => assertClose(encoder.call(goldenInput("wide", small.inputs.wide)), small.wideEmbedding));
  });

  test("a batch gives what its pictures give one by one, down to a picture of one place", () => {
    using encoder = filled().eval();
    for (const [height, width] of [
      [128, 192],
      [16, 16],
      [240, 16],
    ] as const)
      evaluated(() => {
        const images = goldenInput("batch", { shape: [2, 3, height, width], lo: -2, hi: 2 });
        const together = encoder.call(images);
        assert.deepEqual([...together.shape], [2, 256, height / 16, width / 16]);
        const apart = cat([encoder.call(images.narrow(0, 0, 1)), encoder.call(images.narrow(0, 1, 1))]);
        assert.ok(farthest(together, apart) < 1e-5, `${width}×${height}`);
        assert.ok(farthest(together.narrow(0, 0, 1), together.narrow(0, 1, 1)) > 0.1, "the two pictures differ");
      });
  });

  test("the picture stays as it was, in either memory layout, and no tensor is left behind", () => {
    using encoder = filled().eval();
    evaluated(() => {
      const image = goldenInput("image", small.inputs.image);
      const channelsLast = image.clone({ memoryFormat: "channels_last" });
      const before = liveTensors();
      const [first, second] = [encoder.call(image), encoder.call(channelsLast)];
      assert.equal(liveTensors().count, before.count + 2);
      assert.equal(farthest(first, second), 0);
      assert.equal(farthest(image, channelsLast), 0);
      assert.equal(farthest(image, goldenInput("image", small.inputs.image)), 0);
    });
  });

  test("bfloat16 stays near float32", () => {
    using encoder = filled().eval();
    evaluated(() => {
      const image = goldenInput("image", small.inputs.image);
      const rounded = autocast({ device: "cpu", dtype: "bfloat16" }, () => encoder.call(image));
      const difference = rounded.to({ dtype: "float32" }).sub(encoder.call(image));
      const error = l2(difference) / Math.sqrt(difference.numel); // the embedding's deviation is 1
      assert.ok(error > 0 && error < 0.05, `root mean square ${error}`);
    });
  });
});

describe("MobileSAM's BatchNorm", () => {
  const statistics = (encoder: TinyVit) => [...encoder.namedBuffers()].map(([, tensor]) => tensor);
  const snapshot = (encoder: TinyVit) => statistics(encoder).map((tensor) => tensor.clone());

  test("learns from the batch in training where it is asked to", () => {
    using encoder = filled({ frozenBatchNorm: false }).train();
    evaluated(() => {
      assertClose(encoder.call(goldenInput("image", small.inputs.image)), small.trainingEmbedding);
      const block = encoder.layers[3]!.blocks[1]!;
      assert.ok("localConv" in block);
      const { runningMean, runningVar, numBatchesTracked } = block.localConv.bn;
      assertClose(runningMean, small.runningAfterTraining.mean, { tol: 1e-5 });
      assertClose(runningVar, small.runningAfterTraining.var, { tol: 1e-5 });
      assert.equal(numBatchesTracked.item(), 1);
    });
  });

  test("keeps its statistics in training by default, and in a frozen encoder in any case", () => {
    for (const frozenBatchNorm of [true, false]) {
      using encoder = filled({ frozenBatchNorm });
      if (!frozenBatchNorm) encoder.requiresGrad_(false);
      evaluated(() => {
        const before = snapshot(encoder);
        const image = goldenInput("image", small.inputs.image);
        assertClose(encoder.train().call(image), small.embedding);
        for (const [i, tensor] of statistics(encoder).entries()) assert.ok(tensor.equal(before[i]!));
      });
    }
  });

  test("weights and statistics loaded later count at once", () => {
    using encoder = filled().eval();
    using other = new TinyVit(mobileSamConfig).eval();
    evaluated(() => {
      const image = goldenInput("image", { shape: [1, 3, 32, 48], lo: -2, hi: 2 });
      assert.ok(farthest(encoder.call(image), other.call(image)) > 0.1);
      other.loadStateDict(encoder.stateDict());
      assert.equal(farthest(encoder.call(image), other.call(image)), 0);
    });
  });
});

describe("what MobileSAM's image encoder refuses", () => {
  test("a picture whose sides its strides do not divide", () => {
    using encoder = nn.init.skipInit(() => new TinyVit(mobileSamConfig));
    evaluated(() =>
      assert.throws(
        () => encoder.call(empty([1, 3, 100, 160])),
        new Problem({
          what: "picture for MobileSAM's image encoder",
          found: "160×100 pixels",
          expected: "multiples of its stride, 16",
          todo: "Resize or pad it first.",
        }),
      ),
    );
  });

  test("sizes that do not go together", () => {
    const refused = (change: Partial<Record<keyof TinyVitConfig, unknown>>, message: RegExp) =>
      assert.throws(() => new TinyVit({ ...mobileSamConfig, ...change } as TinyVitConfig), {
        name: "Problem",
        message,
      });
    refused({ patchSize: 8 }, /found patchSize: 8, expected 16/);
    refused({ numHeads: [2, 4, 6, 10] }, /found 6 heads for 160 channels \(stage 2\)/);
    refused({ windowSizes: [7, 7, 0, 7] }, /found a window of 0 tokens \(stage 2\)/);
    refused({ localConvSize: 4 }, /found localConvSize: 4, expected an odd number/);
    refused({ embedDims: [63, 128, 160, 320] }, /found embedDims\[0\]: 63/);
  });

  test("a state dict without the classifier, unless it was built without", () => {
    using encoder = nn.init.skipInit(() => new TinyVit(mobileSamConfig));
    const state = new Map([...encoder.stateDict()].filter(([name]) => !isOfTheClassifier(name)));
    assert.throws(() => encoder.loadStateDict(state), /norm_head\.weight, norm_head\.bias, head\.weight, head\.bias/);
    using headless = nn.init.skipInit(() => new TinyVit({ ...mobileSamConfig, numClasses: 0 }));
    assert.deepEqual(headless.loadStateDict(state), { missing: [], unexpected: [] });
  });
});
