import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { scope } from "@adsam/torch";
import { AdSam } from "../src/models/ad-sam.js";
import { matricesOf } from "../src/train/matrices.js";

/** Names of what Muon orthogonalises in the smallest AD-SAM with every part. */
function orthogonalised(config: ConstructorParameters<typeof AdSam>[0]): string[] {
  return scope(() => {
    using network = new AdSam({ encoder: "nano", resnet: "resnet18", numClasses: 19, ...config });
    const matrices = matricesOf(network);
    return [...network.namedParameters()].filter(([, tensor]) => matrices.has(tensor)).map(([name]) => name);
  });
}

describe("what Muon orthogonalises", () => {
  const names = orthogonalised({ decoder: "deformable-attention" });
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));

  test("convolutions and projections of ResNet, SAM's encoder, fusion and decoder", () => {
    for (const pattern of [
      /^resnet_encoder\.layer3/,
      /^sam_encoder\..*qkv\.weight$/,
      /^fusion.*\.weight$/,
      /value_proj/,
    ])
      assert.ok(has(pattern), `${pattern} among ${names.join(", ")}`);
  });

  test("neither biases, norms, tables, offsets, nor the layer that gives the classes, nor what would cost too much", () => {
    for (const pattern of [
      /bias$/,
      /norm\d?\./,
      /pos_embed|rel_pos/,
      /sampling_offsets|offset_conv/,
      /^classifier\.3/,
      /layer4\.1/,
    ])
      assert.ok(!has(pattern), `${pattern} among ${names.join(", ")}`);
    assert.ok(!orthogonalised({ decoder: "deformable-convolution" }).some((name) => /offset/.test(name)));
  });
});
