import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Generator, nn, noGrad, randn, saveCheckpoint, scope, withDevice } from "@adsam/torch";
import { AdSam } from "../src/models/ad-sam.js";
import { buildEncoder, encoderConfig, encoderNames, encoders } from "../src/models/encoders.js";
import { buildSam } from "../src/models/sam/sam.js";
import { SamBaseline } from "../src/models/sam-baseline.js";
import { loadNetwork } from "../src/train/checkpoint.js";
import { TrainEventStream } from "../src/train/events.js";
import { settleModel } from "../src/train/network.js";
import { resolveRecipe } from "../src/train/recipe.js";
import { startTraining } from "../src/train/start.js";
import { folderForTests, putScenes, tinyRecipe } from "./train-fixtures.js";

const folder = folderForTests("encoders");
const recipeWith = (flags: Readonly<Record<string, unknown>>) => resolveRecipe({ flags }).recipe;

describe("every encoder of the registry", () => {
  for (const name of encoderNames)
    test(`${name} stands in AD-SAM, in the baseline, and behind prompts`, () => {
      const { outChans, imageSize, patchSize } = encoders[name];
      withDevice("meta", () =>
        nn.init.skipInit(() =>
          scope(() => {
            const image = randn([1, 3, 96, 160]);
            for (const network of [new AdSam({ encoder: name }), new SamBaseline({ encoder: name })]) {
              assert.deepEqual(network.samEncoder!.eval().call(image).shape, [1, outChans, 6, 10]);
              assert.deepEqual(noGrad(() => network.eval().call({ image })).shape, [1, 19, 96, 160]);
            }
            const sam = buildSam(name);
            assert.deepEqual([sam.imageSize, sam.promptEncoder.grid], [imageSize, imageSize / patchSize]);
            assert.equal(sam.promptEncoder.embedDim, outChans);
          }),
        ),
      );
    });
});

describe("an encoder of one's own", () => {
  test("takes its sizes and its weights from its file: trained on, saved without it, read back", async () => {
    const root = join(folder, "scenes");
    await putScenes(root, "train", 4);
    await putScenes(root, "val", 1);
    const file = join(folder, "own.pth");
    Generator.default().seed(9);
    const config = { ...encoders.nano, depth: 3, embedDim: 48, globalAttnIndexes: [2], outChans: 32 };
    using own = buildEncoder(config);
    saveCheckpoint(file, new Map([...own.stateDict()].map(([name, tensor]) => [`image_encoder.${name}`, tensor])));
    assert.deepEqual({ ...encoderConfig(file) }, config);

    const recipe = tinyRecipe({
      "data.root": root,
      "model.encoder": file,
      "model.encoderWeights": "auto",
      "model.encoderTrained": false,
      "model.adapter": "lora",
      "train.epochs": 1,
      "run.out": join(folder, "run"),
    });
    const { best } = await startTraining(recipe, { events: new TrainEventStream() });
    const { network, recipe: saved } = loadNetwork(best!);
    using loaded = network;
    assert.equal(saved.model.encoderWeights, file);
    const state = loaded.samEncoder!.stateDict();
    for (const [name, tensor] of own.stateDict()) assert.ok(state.get(name)!.equal(tensor), name);
    assert.ok(
      scope(() => state.get("blocks.0.attn.qkv.linear_b_q.weight")!.any().item()),
      "the adapter learned nothing",
    );
    const moved = join(folder, "moved.pth");
    renameSync(file, moved);
    assert.throws(() => loadNetwork(best!), /image encoder: found ".*own\.pth"/);
    using again = loadNetwork(best!, { encoderWeights: moved }).network;
    for (const [name, tensor] of again.stateDict()) assert.ok(tensor.equal(loaded.stateDict().get(name)!), name);
  });

  test("that is not there, or no encoder's, is refused", () => {
    assert.throws(() => encoderConfig("no/such.pth"), /"no\/such\.pth".*sam-vit-h.*path of a checkpoint/s);
    const file = join(folder, "other.pth");
    scope(() => saveCheckpoint(file, { "layer.weight": randn([3, 4]) }));
    assert.ok(existsSync(file));
    assert.throws(() => buildEncoder(file), /other\.pth/);
    assert.throws(() => recipeWith({ "model.encoder": "sam-vit-x" }), /model\.encoder.*"sam-vit-x".*mobile-sam/s);
  });
});

describe("model.encoder: auto", () => {
  test("is the paper's on CUDA and MobileSAM elsewhere, with the published weights or none by intent", (t) => {
    const cache = process.env.ADSAM_CACHE;
    process.env.ADSAM_CACHE = join(folder, "cache");
    t.after(() => {
      if (cache === undefined) delete process.env.ADSAM_CACHE;
      else process.env.ADSAM_CACHE = cache;
    });
    const random = recipeWith({ "model.encoderWeights": null });
    assert.equal(settleModel(random, { device: "cpu" }).model.encoder, "mobile-sam");
    assert.equal(settleModel(random, { device: "cuda" }).model.encoder, "sam-vit-h");
    assert.equal(settleModel(random, { device: "cpu" }).model.encoderWeights, null);
    assert.throws(
      () => settleModel(recipeWith({}), { device: "cpu" }),
      /model\.encoderWeights.*mobile-sam.*adsam weights fetch mobile-sam.*null for random weights/s,
    );
    assert.equal(settleModel(recipeWith({ "model.encoder": "nano" }), { device: "cpu" }).model.encoderWeights, null);
    assert.equal(settleModel(recipeWith({ "model.encoder": "none" }), { device: "cpu" }).model.encoderWeights, null);
  });
});
