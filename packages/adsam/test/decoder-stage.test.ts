import assert from "node:assert/strict";
import { test } from "node:test";
import { nn, randn, scope, withObserver } from "@adsam/torch";
import { AdSam } from "../src/models/ad-sam.js";
import { projectedTo, SkipProjection } from "../src/models/decoder/stage.js";

for (const [what, size, pixels] of [
  ["a map that grows is projected first", { height: 13, width: 9 }, 7 * 5],
  ["a map that shrinks is projected last", { height: 3, width: 4 }, 3 * 4],
] as const)
  test(`${what}, which is the same`, () =>
    scope(() => {
      using conv = new nn.Conv2d(6, 4, { kernelSize: 1 });
      const x = randn([2, 6, 7, 5]);
      let convolved = 0;
      const projected = withObserver(
        (name, _, result) => {
          if (name === "aten::conv2d") convolved = (result as typeof x).numel / 8; // 2 pictures, 4 channels
        },
        () => projectedTo(size, x, conv),
      );
      assert.equal(convolved, pixels);
      assert.deepEqual(projected.shape, [2, 4, size.height, size.width]);
      const largest = projected
        .sub(conv.call(nn.functional.interpolate(x, { size, mode: "bilinear" })))
        .abs()
        .max()
        .item();
      assert.ok(largest < 2e-6, `${largest}`);
    }));

test("a skip connection enters at its own size unless another is asked for", () =>
  scope(() => {
    using projection = new SkipProjection(6, 8, "group");
    const skip = randn([1, 6, 4, 3]);
    assert.deepEqual(projection.call(skip).shape, [1, 8, 4, 3]);
    assert.deepEqual(projection.call(skip, { height: 8, width: 7 }).shape, [1, 8, 8, 7]);
    assert.deepEqual([...projection.stateDict().keys()], ["0.weight", "0.bias", "1.weight", "1.bias"]);
  }));

for (const decoder of ["deformable-attention", "deformable-convolution"] as const)
  test(`the network with ${decoder} goes by the quick operators, in training as in evaluation`, () => {
    using network = new AdSam({ decoder, embeddingOnly: true, resnet: "resnet50" });
    const image = randn([1, 3, 64, 64]);
    for (const mode of ["train", "eval"] as const) {
      const seen = new Set<string>();
      network[mode]();
      scope(() => {
        const samEmbedding = randn([1, 256, 4, 4]);
        withObserver(
          (name) => seen.add(name),
          () => network.call({ image, samEmbedding }),
        );
      });
      for (const quick of ["adsam::conv3x3", "adsam::group_norm", "adsam::resize_bilinear"])
        assert.ok(seen.has(quick), `${mode}: no ${quick}`);
      for (const slow of ["aten::batch_norm", "aten::group_norm", "aten::upsample_bilinear2d", "aten::max_pool2d"])
        assert.ok(!seen.has(slow), `${mode}: ${slow}`);
    }
  });

test("norms over the batch: pictures are normalised together in training, and by what was learnt in evaluation", () => {
  using network = new AdSam({
    numClasses: 5,
    encoder: "none",
    resnet: "nano",
    frozenBatchNorm: false,
    norm: "batch",
    fusionDim: 32,
    decoderDims: [32, 16, 16],
    attentionHeads: 4,
    feedForwardFactor: 0.25,
  });
  const names = new Map([...network.stateDict()].map(([name, tensor]) => [name, tensor.shape]));
  for (const layer of ["fusion_layers.0.norm", "up1.skip_conv.1", "up1.norm1", "up3.norm2", "classifier.1"])
    assert.ok(names.has(`${layer}.running_mean`), layer);
  assert.deepEqual(names.get("up1.feed_forward.0.weight"), [8, 32, 3, 3]);
  assert.deepEqual(names.get("up1.feed_forward.2.weight"), [32, 8, 3, 3]);
  scope(() => {
    const images = randn([2, 3, 64, 64]);
    const apart = () => {
      const alone = network.call({ image: images.narrow(0, 0, 1) });
      const beside = network.call({ image: images }).narrow(0, 0, 1);
      return beside.sub(alone).abs().max().item();
    };
    network.train();
    assert.ok(apart() > 1e-2);
    network.eval();
    assert.ok(apart() < 1e-4, `${apart()}`);
  });
});
