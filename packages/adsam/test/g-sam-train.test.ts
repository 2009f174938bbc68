import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { nn, openCheckpoint, saveCheckpoint, scope } from "@adsam/torch";
import { cityscapesClasses } from "../src/data/labels.js";
import { writeSyntheticDataset } from "../src/data/synthetic/write.js";
import { GSam } from "../src/models/g-sam/g-sam.js";
import { ResNet } from "../src/models/resnet.js";
import { buildSam } from "../src/models/sam/sam.js";
import { buildNetwork } from "../src/train/network.js";
import { resolveRecipe } from "../src/train/recipe.js";
import { fillDistinctly } from "./published-files.js";
import { adsam, assertSameRun, eventsNamed, folderForTests, train } from "./train-fixtures.js";

const root = folderForTests("g-sam");
const out = (name: string) => path.join(root, name);

/** The authors' recipe at the smallest sizes. */
const small = {
  "model.name": "g-sam",
  "data.root": path.join(root, "data"),
  "data.workers": 1,
  "input.height": 64,
  "input.width": 96,
  "augment.crop": { height: 64, width: 64 },
  "model.encoder": "nano",
  "model.encoderWeights": null,
  "model.resnet": "nano",
  "train.epochs": 2,
  "train.batchSize": 2,
  "train.samples": 1,
  "run.device": "cpu",
  "run.threads": 1,
};
const recipe = (flags: Readonly<Record<string, unknown>>) => resolveRecipe({ flags: { ...small, ...flags } }).recipe;

before(() =>
  writeSyntheticDataset({
    domain: "structured",
    root: path.join(root, "data"),
    train: 6,
    val: 2,
    seed: 3,
    size: { width: 96, height: 64 },
  }),
);

describe("G-SAM by its authors' recipe", () => {
  test("trains; stopped within an epoch and resumed it ends with the same bits", async () => {
    const { events } = await train(recipe({ "run.out": out("whole") }));
    const steps = eventsNamed(events, "stepFinished");
    assert.equal(steps.length, 6);
    assert.deepEqual(Object.keys(steps[0]!.learningRates), ["decoder"]);
    assert.deepEqual(
      steps.map(({ learningRates }) => learningRates.decoder!.toPrecision(3)),
      ["0.000100", "0.000100", "0.000100", "0.0000500", "0.0000500", "0.0000500"],
    );
    const stop = new AbortController();
    const stopped = recipe({ "run.out": out("stopped") });
    await train(stopped, { signal: stop.signal }, ({ name, event }) => {
      if (name === "stepFinished" && (event as { step: number }).step === 4) stop.abort();
    });
    const resumed = await train(stopped, { resume: true });
    assert.equal(eventsNamed(resumed.events, "stepFinished").length, 2);
    assertSameRun(out("stopped"), out("whole"));
  });

  test("its checkpoint has the reference's names, is scored, predicts and is described", async () => {
    const best = path.join(out("whole"), "best.pth");
    const weights = (openCheckpoint(best).tree as ReadonlyMap<string, unknown>).get("model") as Map<string, unknown>;
    assert.ok(weights.has("image_encoder.blocks.1.MLP_Adapter.aspp.convs.4.conv.weight"));
    const data = path.join(root, "data");
    const scored = await adsam(["eval", best, "--data", data, "--threads", "1", "--json"]);
    assert.equal(scored.status, 0, scored.stderr);
    const log = readFileSync(path.join(out("whole"), "log.csv"), "utf8");
    const { mIoU } = JSON.parse(scored.stdout) as { mIoU: number };
    assert.ok(log.includes(String(mIoU)), `${mIoU} as in validation:\n${log}`);
    const pictures = path.join(data, "leftImg8bit/val");
    const predicted = await adsam(["predict", best, pictures, "--out", out("predicted"), "--threads", "1"]);
    assert.equal(predicted.status, 0, predicted.stderr);
    assert.ok(readdirSync(out("predicted"), { recursive: true }).length > 2);
    const described = await adsam(["describe", best, "--json"]);
    assert.equal(described.status, 0, described.stderr);
    assert.equal((JSON.parse(described.stdout) as { modules: { type: string } }).modules.type, "GSam");
  });

  test("begins with SAM's weights and ImageNet's, where it names them", () => {
    const [samFile, resnetFile] = [out("sam.pth"), out("resnet.pth")];
    using sam = nn.init.skipInit(() => buildSam("nano"));
    fillDistinctly(sam);
    saveCheckpoint(samFile, sam.stateDict());
    using resnet = new ResNet("nano");
    fillDistinctly(resnet);
    saveCheckpoint(resnetFile, resnet.stateDict());
    const flags = { "model.encoderWeights": samFile, "model.resnetWeights": resnetFile };
    using network = buildNetwork(recipe(flags), cityscapesClasses);
    assert.ok(network instanceof GSam);
    const state = network.stateDict();
    scope(() => {
      const same = (name: string, there: nn.Module, theirs: string) =>
        assert.ok(state.get(name)!.equal(there.stateDict().get(theirs)!), name);
      same("image_encoder.blocks.0.attn.qkv.weight", sam, "image_encoder.blocks.0.attn.qkv.weight");
      same("image_encoder.cnn_embed.backbone.layer3.1.bn2.running_var", resnet, "layer3.1.bn2.running_var");
    });
  });

  test("its encoder is kept but for what they add, or trained from random weights", () => {
    const trained = (encoderTrained: boolean) =>
      scope(() =>
        [...buildNetwork(recipe({ "model.encoderTrained": encoderTrained }), cityscapesClasses).namedParameters()]
          .filter(([name, { requiresGrad }]) => name.startsWith("image_encoder.") && !requiresGrad)
          .map(([name]) => name),
      );
    assert.ok(trained(false).includes("image_encoder.blocks.0.attn.qkv.weight"));
    assert.deepEqual(trained(true), []);
  });

  test("what of AD-SAM it has no place for is refused", () => {
    const refused = (flags: Readonly<Record<string, unknown>>, message: RegExp) =>
      assert.throws(() => recipe(flags), message);
    refused({ "model.encoder": "mobile-sam" }, /Generalized SAM and encoder mobile-sam, expected a ViT of SAM's/);
    refused({ "model.encoder": "none" }, /Generalized SAM and encoder none/);
    refused({ "model.resnet": "none" }, /Generalized SAM and no ResNet/);
    refused({ "model.adapter": "lora" }, /Generalized SAM and model.adapter "lora"/);
    refused({ "model.fusionDim": 64 }, /--model.fusionDim.*Generalized SAM and model.fusionDim 64/);
  });
});
