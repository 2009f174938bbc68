import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { Generator, nn, openCheckpoint, saveCheckpoint, scope } from "@adsam/torch";
import { cityscapesClasses } from "../src/data/labels.js";
import { writeSyntheticDataset } from "../src/data/synthetic/write.js";
import { DeepLabV3 } from "../src/models/deeplab/deeplabv3.js";
import { ResNet } from "../src/models/resnet.js";
import { loadDeepLabWeights } from "../src/models/weights.js";
import { buildNetwork } from "../src/train/network.js";
import { recipeToYaml, resolveRecipe } from "../src/train/recipe.js";
import { different, fillDistinctly } from "./published-files.js";
import { adsam, assertSameRun, eventsNamed, folderForTests, train } from "./train-fixtures.js";

const root = folderForTests("deeplabv3");
const out = (name: string) => path.join(root, name);

/** Its own recipe at the smallest sizes. Five pictures: an epoch has two batches, and leaves one picture over. */
const small = {
  "model.name": "deeplabv3",
  "data.root": path.join(root, "data"),
  "data.workers": 1,
  "input.height": 64,
  "input.width": 96,
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
    train: 5,
    val: 2,
    seed: 3,
    size: { width: 96, height: 64 },
  }),
);

describe("DeepLabV3 by its own recipe", () => {
  test("trains; stopped within an epoch and resumed it ends with the same bits", async () => {
    const { events } = await train(recipe({ "run.out": out("whole") }));
    const steps = eventsNamed(events, "stepFinished");
    assert.equal(steps.length, 4);
    for (const [k, { learningRates, loss, lossParts }] of steps.entries()) {
      const rate = 0.01 * (1 - k / 4) ** 0.9;
      assert.deepEqual(Object.keys(learningRates), ["heads", "resnet"]);
      assert.ok(Math.abs(learningRates.heads! - rate) < 1e-9 && Math.abs(learningRates.resnet! - rate / 10) < 1e-9);
      assert.ok(Math.abs(loss - lossParts.crossEntropy! - 0.4 * lossParts.auxiliary!) < 1e-5);
    }
    const stop = new AbortController();
    const stopped = recipe({ "run.out": out("stopped") });
    await train(stopped, { signal: stop.signal }, ({ name, event }) => {
      if (name === "stepFinished" && (event as { step: number }).step === 3) stop.abort();
    });
    const resumed = await train(stopped, { resume: true });
    assert.equal(eventsNamed(resumed.events, "stepFinished").length, 1);
    assertSameRun(out("stopped"), out("whole"));
  });

  test("its checkpoint has torchvision's names, is scored, predicts and is described", async () => {
    const best = path.join(out("whole"), "best.pth");
    const weights = (openCheckpoint(best).tree as ReadonlyMap<string, unknown>).get("model") as Map<string, unknown>;
    for (const name of ["backbone.layer4.0.conv1.weight", "classifier.0.convs.4.1.weight", "aux_classifier.4.bias"])
      assert.ok(weights.has(name), name);
    const data = path.join(root, "data");
    const scored = await adsam(["eval", best, "--data", data, "--threads", "1", "--json"]);
    assert.equal(scored.status, 0, scored.stderr);
    const log = readFileSync(path.join(out("whole"), "log.csv"), "utf8");
    const { mIoU } = JSON.parse(scored.stdout) as { mIoU: number };
    assert.ok(log.includes(String(mIoU)), `${mIoU} as in validation:\n${log}`);
    assert.match(log, /loss\.auxiliary/);
    const pictures = path.join(data, "leftImg8bit/val");
    const predicted = await adsam(["predict", best, pictures, "--out", out("predicted"), "--threads", "1"]);
    assert.equal(predicted.status, 0, predicted.stderr);
    assert.ok(readdirSync(out("predicted"), { recursive: true }).length > 2);
    const described = await adsam(["describe", best, "--json"]);
    assert.equal(described.status, 0, described.stderr);
    assert.equal((JSON.parse(described.stdout) as { modules: { type: string } }).modules.type, "DeepLabV3");
  });

  test("begins with ImageNet's ResNet where the recipe names it, and loads whole", () => {
    const [resnetFile, wholeFile] = [out("resnet.pth"), out("deeplabv3.pth")];
    using resnet = new ResNet("nano");
    fillDistinctly(resnet);
    saveCheckpoint(resnetFile, resnet.stateDict());
    using network = buildNetwork(recipe({ "model.resnetWeights": resnetFile }), cityscapesClasses) as DeepLabV3;
    assert.deepEqual(different(network.backbone, resnet), []);
    using whole = nn.init.skipInit(() => new DeepLabV3({ resnet: "nano" }));
    fillDistinctly(whole);
    saveCheckpoint(wholeFile, whole.stateDict());
    scope(() => loadDeepLabWeights(network, wholeFile));
    assert.deepEqual(different(network, whole), []);
  });
});

describe("what DeepLabV3 begins with", () => {
  const built = (flags: Readonly<Record<string, unknown>>) => {
    Generator.default().seed(4);
    return buildNetwork(recipe(flags), cityscapesClasses) as DeepLabV3;
  };
  const last = ["classifier.4", "aux_classifier.4"].flatMap((name) => [`${name}.weight`, `${name}.bias`]);

  for (const numClasses of [21, 19]) // COCO's in torchvision's file; as many as there are here say nothing of which they are
    test(`a DeepLabV3 of ${numClasses} classes but for the convolutions that tell them apart`, () => {
      const file = out(`of-${numClasses}.pth`);
      using there = nn.init.skipInit(() => new DeepLabV3({ resnet: "nano", numClasses }));
      fillDistinctly(there);
      saveCheckpoint(file, there.stateDict());
      using network = built({ "model.resnetWeights": file });
      assert.deepEqual(different(network, there).sort(), [...last].sort());
      using fresh = built({});
      assert.deepEqual(
        last.filter((name) => !network.stateDict().get(name)!.equal(fresh.stateDict().get(name)!)),
        [],
        "as without a file",
      );
    });

  test("a DeepLabV3 on another ResNet is told in one sentence; without its pyramid it is refused whole", () => {
    const file = out("other.pth");
    using there = nn.init.skipInit(() => new DeepLabV3({ resnet: "nano" }));
    fillDistinctly(there);
    saveCheckpoint(file, there.stateDict());
    assert.throws(
      () => built({ "model.resnet": "resnet34", "model.resnetWeights": file }),
      /found DeepLabV3 on ResNet-18, expected DeepLabV3 on ResNet-34\. /,
    );
    const part = new Map([...there.stateDict()].filter(([name]) => !name.startsWith("classifier.1.")));
    saveCheckpoint(file, part);
    assert.throws(() => built({ "model.resnetWeights": file }), /1 missing: classifier\.1\.weight/);
  });
});

describe("a recipe that names DeepLabV3", () => {
  test("takes its own optimiser, schedule and loss; file and flags are stronger", () => {
    const { optim, loss, model } = resolveRecipe({ flags: { "model.name": "deeplabv3", "optim.lr": 0.02 } }).recipe;
    const { name, lr, momentum, weightDecay, schedule, polyPower, resnetLrFactor } = optim;
    assert.deepEqual(
      { name, lr, momentum, weightDecay, schedule, polyPower, resnetLrFactor },
      {
        name: "sgd",
        lr: 0.02,
        momentum: 0.9,
        weightDecay: 5e-4,
        schedule: "poly",
        polyPower: 0.9,
        resnetLrFactor: 0.1,
      },
    );
    assert.deepEqual([loss.crossEntropy, loss.focal + loss.dice + loss.lovasz + loss.surface], [1, 0]);
    assert.deepEqual([model.encoder, model.encoderWeights], ["none", null]);
  });

  test("is printed with what is its own, without what does nothing for it", () => {
    const yaml = recipeToYaml(resolveRecipe({ flags: { "model.name": "deeplabv3", "optim.lr": 0.02 } }).recipe);
    assert.match(yaml, /name: sgd .*\(deeplabv3's own\)/);
    assert.match(yaml, /\n {2}lr: 0\.02 +# (?!.*own)/);
    assert.doesNotMatch(yaml, /fusionDim|encoderWeights|adapter/);
  });

  test("refuses what does nothing for it, by name", () => {
    const refused = (flags: Readonly<Record<string, unknown>>, message: RegExp) =>
      assert.throws(() => recipe(flags), message);
    refused({ "model.encoder": "nano" }, /--model\.encoder.*DeepLabV3 and model\.encoder "nano"/);
    refused({ "model.adapter": "lora" }, /DeepLabV3 and model\.adapter "lora"/);
    refused({ "model.fusionDim": 64 }, /--model\.fusionDim.*DeepLabV3 and model\.fusionDim 64/);
    refused({ "model.decoderDims": [64, 32, 32] }, /model\.decoderDims \[64, 32, 32\]/);
    refused({ "model.resnet": "none" }, /DeepLabV3 and no ResNet/);
  });
});
