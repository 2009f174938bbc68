import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { keep, type nn, optim, scope, type Tensor } from "@adsam/torch";
import { HybridLoss } from "../src/losses/hybrid.js";
import { AdSam } from "../src/models/ad-sam.js";
import { parameterGroups } from "../src/train/optimiser.js";
import { paperRecipe } from "../src/train/recipe.js";
import {
  assertClose,
  assertNumber,
  fillModule,
  type GoldenTensor,
  goldenInput,
  type InputSpec,
  type LabelSpec,
  labelMap,
  loadGolden,
} from "./golden.js";

interface AdSamGolden {
  readonly trainableParameters: number;
  readonly parameterNames: Readonly<Record<string, readonly number[]>>;
  readonly inputs: { readonly image: InputSpec; readonly sam_embedding: InputSpec; readonly target: LabelSpec };
  readonly intermediates: Readonly<Record<string, GoldenTensor>>;
  readonly logits: GoldenTensor;
  readonly lossParts: Readonly<Record<"focal" | "dice" | "lovasz" | "boundary", number>>;
  readonly loss: number;
  readonly gradL2: Readonly<Record<string, number>>;
  readonly lossAfterOneStep: number;
}
const golden = loadGolden<AdSamGolden>("ad-sam.json");

describe("AD-SAM", () => {
  test("with the authors' decoder equals their network, stage by stage", () => {
    using network = new AdSam({ decoder: "deformable-convolution", embeddingOnly: true });
    const names = Object.fromEntries([...network.namedParameters()].map(([name, tensor]) => [name, [...tensor.shape]]));
    const own = Object.fromEntries(Object.entries(names).filter(([name]) => !name.startsWith("resnet_encoder.")));
    assert.deepEqual(own, golden.parameterNames);
    assert.equal(
      network.parameters().reduce((sum, tensor) => sum + tensor.numel, 0),
      golden.trainableParameters,
    );
    fillModule(network);
    const image = goldenInput("image", golden.inputs.image);
    const samEmbedding = goldenInput("sam_embedding", golden.inputs.sam_embedding);
    const stages = new Map<string, Tensor>();
    for (const [name, module] of network.modules())
      if (name in golden.intermediates) spy(module, (result) => stages.set(name, keep(result.clone())));
    const logits = network.call({ image, samEmbedding });
    for (const [name, expected] of Object.entries(golden.intermediates))
      assertClose(stages.get(name)!, expected, { name });
    assertClose(logits, golden.logits, { name: "logits" });
  });

  test("learns as the authors' network does: loss terms, gradients, and the loss after one step of AdamW", () => {
    using network = new AdSam({ decoder: "deformable-convolution", embeddingOnly: true });
    fillModule(network);
    const image = goldenInput("image", golden.inputs.image);
    const samEmbedding = goldenInput("sam_embedding", golden.inputs.sam_embedding);
    const labels = labelMap(golden.inputs.target, { batch: 2, height: 256, width: 256 });
    using loss = new HybridLoss({ ignoreIndex: golden.inputs.target.ignore });
    using optimizer = new optim.AdamW(parameterGroups(network, paperRecipe()), { weightDecay: 5e-4, lr: 2e-4 });
    scope(() => {
      const { total, parts } = loss.call(network.call({ image, samEmbedding }), labels);
      for (const [ours, theirs] of [
        ["focal", "focal"],
        ["dice", "dice"],
        ["lovasz", "lovasz"],
        ["surface", "boundary"],
      ] as const)
        assertNumber(parts[ours]!.item(), golden.lossParts[theirs], { tol: 1e-4, name: ours });
      assertNumber(total.item(), golden.loss, { tol: 1e-4, name: "loss" });
      total.backward();
    });
    const found = [...network.namedParameters()].map(
      ([name, tensor]) => [name, scope(() => tensor.grad!.linalgVectorNorm().item())] as const,
    );
    assert.equal(found.length, Object.keys(golden.gradL2).length);
    for (const [name, norm] of found)
      assertNumber(norm, golden.gradL2[name]!, { tol: 1e-3, name: `gradient of ${name}` });
    optimizer.step();
    const after = scope(() => loss.call(network.call({ image, samEmbedding }), labels).total.item());
    assertNumber(after, golden.lossAfterOneStep, { tol: 1e-3, name: "loss after one step" });
  });
});

function spy(module: nn.Module, see: (result: Tensor) => void): void {
  const forward = module.forward.bind(module);
  module.forward = (...inputs: unknown[]) => {
    const result = forward(...inputs) as Tensor;
    see(result);
    return result;
  };
}
