import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { grad, noGrad, scope, type Tensor } from "@adsam/torch";
import { type SamEncoderConfig, samEncoders } from "../src/models/sam/config.js";
import { SamImageEncoder } from "../src/models/sam/image-encoder.js";
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

interface EncoderGolden {
  readonly parameters: number;
  readonly parameterNames?: Readonly<Record<string, readonly number[]>>;
  readonly inputs: { readonly image: InputSpec };
  readonly outputs: { readonly embedding: GoldenTensor };
  readonly gradL2: Readonly<Record<string, number>>;
  readonly gradInputL2: number;
}

const tiny: SamEncoderConfig = {
  imageSize: 160,
  patchSize: 16,
  embedDim: 64,
  depth: 4,
  numHeads: 4,
  mlpRatio: 4,
  windowSize: 4,
  globalAttnIndexes: [1, 3],
  outChans: 32,
};

const count = (encoder: SamImageEncoder) => encoder.parameters().reduce((sum, tensor) => sum + tensor.numel, 0);
const l2 = (tensor: Tensor) => tensor.to({ dtype: "float64" }).square().sum().sqrt().item();

describe("SAM's image encoder", () => {
  test("has segment-anything's names, values and gradients, windows that need padding among them", () => {
    const golden = loadGolden<EncoderGolden>("sam-image-encoder-tiny.json");
    using encoder = new SamImageEncoder(tiny);
    assert.equal(count(encoder), golden.parameters);
    const shapes = Object.fromEntries([...encoder.stateDict()].map(([name, tensor]) => [name, [...tensor.shape]]));
    assert.deepEqual(shapes, golden.parameterNames);
    fillModule(encoder);
    scope(() => {
      const image = goldenInput("image", golden.inputs.image).requiresGrad_();
      const embedding = encoder.call(image);
      assertClose(embedding, golden.outputs.embedding);
      const names = [...encoder.namedParameters()];
      const cotangent = goldenCotangent(embedding.shape);
      const gradients = grad([embedding.mul(cotangent).sum()], [image, ...names.map(([, tensor]) => tensor)]);
      assertNumber(l2(gradients[0]!), golden.gradInputL2, { tol: 1e-3, name: "input gradient" });
      for (const [i, [name]] of names.entries())
        assertNumber(l2(gradients[i + 1]!), golden.gradL2[name]!, { tol: 1e-3, name });
    });
  });

  test("ViT-B at 1024×1024 gives the reference's embedding", () => {
    const golden = loadGolden<EncoderGolden>("sam-image-encoder-vit-b.json");
    using encoder = new SamImageEncoder(samEncoders["sam-vit-b"]);
    assert.equal(count(encoder), golden.parameters);
    fillModule(encoder);
    scope(() =>
      noGrad(() => assertClose(encoder.call(goldenInput("image", golden.inputs.image)), golden.outputs.embedding)),
    );
  });

  test("ViT-H at 1024×1024 gives the reference's embedding", {
    skip: process.env.ADSAM_SLOW ? false : "a minute and 5 GB: set ADSAM_SLOW=1",
  }, () => {
    const golden = loadGolden<EncoderGolden>("sam-image-encoder-vit-h.json");
    using encoder = new SamImageEncoder(samEncoders["sam-vit-h"]);
    assert.equal(count(encoder), golden.parameters);
    fillModule(encoder);
    scope(() =>
      noGrad(() => assertClose(encoder.call(goldenInput("image", golden.inputs.image)), golden.outputs.embedding)),
    );
  });
});
