import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { noGrad, scope } from "@adsam/torch";
import { mobileSamConfig } from "../src/models/mobile-sam/config.js";
import { TinyVit } from "../src/models/mobile-sam/tiny-vit.js";
import { assertClose, fillModule, type GoldenTensor, goldenInput, type InputSpec, loadGolden } from "./golden.js";

interface EncoderGolden {
  readonly parameters: number;
  readonly inputs: { readonly image: InputSpec };
  readonly embedding: GoldenTensor;
}

describe("MobileSAM's image encoder", () => {
  test("gives the reference's embedding at 1024×1024", () => {
    const golden = loadGolden<EncoderGolden>("mobile-sam-encoder.json");
    using encoder = new TinyVit(mobileSamConfig).eval();
    const { trained, frozen } = encoder.parameterCount();
    assert.equal(trained + frozen, golden.parameters);
    fillModule(encoder);
    scope(() =>
      noGrad(() => {
        const image = goldenInput("image", golden.inputs.image);
        assertClose(encoder.call(image), golden.embedding);
      }),
    );
  });
});
