import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { nn, noGrad, scope } from "@adsam/torch";
import { GSam } from "../src/models/g-sam/g-sam.js";
import { assertClose, fillModule, type GoldenTensor, goldenInput, type InputSpec, loadGolden } from "./golden.js";

interface GSamGolden {
  readonly parameters: number;
  readonly trainable: number;
  readonly parameterNames: Readonly<Record<string, readonly number[]>>;
  readonly inputs: { readonly image: InputSpec };
  readonly lowResLogits: GoldenTensor;
  readonly masks: GoldenTensor;
}

const golden = loadGolden<GSamGolden>("g-sam-vit-b.json");

describe("Generalized SAM, ViT-B", () => {
  test("has the authors' parameters and trains what they train; its masks are theirs", () => {
    using network = nn.init.skipInit(() => new GSam());
    const shapes = new Map([...network.namedParameters()].map(([name, { shape }]) => [name, [...shape]]));
    // The file lists blocks 0 and 2 for all twelve; the totals speak for the others.
    const elsewhere = (name: string) => /\.blocks\.(1|[3-9]|1[01])\./.test(name);
    assert.deepEqual(Object.fromEntries([...shapes].filter(([name]) => !elsewhere(name))), golden.parameterNames);
    const { trained, frozen } = network.parameterCount();
    assert.deepEqual({ trained, all: trained + frozen }, { trained: golden.trainable, all: golden.parameters });
    fillModule(network).eval();
    for (const recorded of [false, true]) {
      const run = () =>
        scope(() => {
          const image = goldenInput("image", golden.inputs.image);
          assertClose(network.lowResLogits(image), golden.lowResLogits, { name: "low-resolution logits" });
          assertClose(network.call({ image }), golden.masks, { name: "masks" });
        });
      if (recorded) run();
      else noGrad(run);
    }
  });
});
