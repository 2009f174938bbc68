import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { autocast, enableGrad, grad, noGrad, scope, type Tensor, withObserver } from "@adsam/torch";
import { tinyEncoder } from "../src/bench/order.js";
import { samEncoders } from "../src/models/sam/config.js";
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

/** How often each operator is called. */
function callsOf(body: () => unknown): Readonly<Record<string, number>> {
  const calls: Record<string, number> = {};
  const see = (name: string) => {
    calls[name] = (calls[name] ?? 0) + 1;
  };
  withObserver(see, body);
  return calls;
}

const inBfloat16 = <T>(body: () => T): T => autocast({ device: "cpu", dtype: "bfloat16" }, body);

/** ‖a − b‖ / ‖b‖. */
const relativeError = (a: Tensor, b: Tensor) => l2(a.sub(b)) / l2(b);

const count = (encoder: SamImageEncoder) => encoder.parameters().reduce((sum, tensor) => sum + tensor.numel, 0);
const l2 = (tensor: Tensor) => tensor.to({ dtype: "float64" }).square().sum().sqrt().item();

describe("SAM's image encoder", () => {
  test("has segment-anything's names, values and gradients, windows that need padding among them", () => {
    const golden = loadGolden<EncoderGolden>("sam-image-encoder-tiny.json");
    using encoder = new SamImageEncoder(tinyEncoder);
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
      noGrad(() => {
        const image = goldenInput("image", golden.inputs.image);
        const embedding = encoder.call(image);
        assertClose(embedding, golden.outputs.embedding);
        const low = inBfloat16(() => encoder.call(image));
        assert.ok(relativeError(low.to({ dtype: "float32" }), embedding) < 0.01);
      }),
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

  test("without a graph layers are computed together, attention always tile by tile", () => {
    using encoder = fillModule(new SamImageEncoder(tinyEncoder));
    const image = goldenInput("image", { shape: [2, 3, 96, 160], lo: -2, hi: 2 }); // 6×10 tokens in windows of 4
    scope(() => {
      const together = noGrad(() => callsOf(() => encoder.call(image)));
      const apart = enableGrad(() => callsOf(() => encoder.call(image)));
      const { depth } = tinyEncoder;
      assert.equal(together["adsam::token_linear"], 1 + 2 * depth);
      assert.equal(together["adsam::token_mlp"], depth);
      for (const calls of [together, apart]) {
        assert.equal(calls["adsam::rel_pos_attention"], depth);
        for (const slow of ["aten::bmm", "aten::softmax", "aten::pad"]) assert.equal(calls[slow], undefined, slow);
      }
      assert.equal(apart["adsam::token_linear"], undefined);
      encoder.requiresGrad_(false);
      assert.equal(callsOf(() => encoder.call(image))["adsam::token_mlp"], depth, "a frozen encoder in training");
    });
  });

  test("both ways give the same, for a batch of pictures that are not square", () => {
    using encoder = fillModule(new SamImageEncoder(tinyEncoder));
    const image = goldenInput("image", { shape: [2, 3, 96, 208], lo: -2, hi: 2 });
    scope(() => {
      const together = noGrad(() => encoder.call(image));
      assert.deepEqual(together.shape, [2, 32, 6, 13]);
      assert.ok(relativeError(enableGrad(() => encoder.call(image)).detach(), together) < 1e-5);
      const alone = noGrad(() => encoder.call(image.narrow(0, 1, 1)));
      assert.ok(relativeError(alone, together.narrow(0, 1, 1)) < 1e-6);
      const low = inBfloat16(() => noGrad(() => encoder.call(image)));
      assert.ok(relativeError(low.to({ dtype: "float32" }), together) < 0.01);
      const apartLow = inBfloat16(() => enableGrad(() => encoder.call(image))).detach();
      assert.ok(relativeError(apartLow.to({ dtype: "float32" }), together) < 0.02);
    });
  });
});
