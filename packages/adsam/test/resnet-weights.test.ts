import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { saveCheckpoint } from "@adsam/torch";
import { ResNet } from "../src/models/resnet.js";
import { TrainEventStream } from "../src/train/events.js";
import { settleEncoder, settleModel } from "../src/train/network.js";
import { randomFrozenNorm } from "../src/train/random-resnet.js";
import { type Recipe, recipeToYaml, resolveRecipe } from "../src/train/recipe.js";
import { resumedRecipe } from "../src/train/resume.js";
import { startTraining } from "../src/train/start.js";
import { ownRecipes } from "../src/train/systems/own-recipes.js";
import { markChecked, placeOf } from "../src/weights/cache.js";
import { publishedFile, resnetFileNames } from "../src/weights/known-files.js";
import { folderForTests, putScenes, tinyRecipe } from "./train-fixtures.js";

const root = folderForTests("resnet-weights");
process.env.ADSAM_CACHE = path.join(root, "cache");

const cpu = { device: "cpu" } as const;
const recipeOf = (model: Readonly<Record<string, unknown>>): Recipe =>
  resolveRecipe({
    flags: {
      ...(model.name !== "deeplabv3" && { "model.encoder": "nano" }),
      ...Object.fromEntries(Object.entries(model).map(([key, value]) => [`model.${key}`, value])),
    },
  }).recipe;

/** As if a file whose size no record tells had been fetched: its hash is what its mark says. */
async function fetched(name: string): Promise<string> {
  const file = publishedFile(name)!;
  const place = placeOf(file);
  mkdirSync(path.dirname(place), { recursive: true });
  writeFileSync(place, name);
  await markChecked(file, file.sha256!.hex);
  return place;
}

describe("model.resnetWeights", () => {
  test("of a name is the file in the cache; auto is what the system's authors begin with", async () => {
    const [first, second] = [await fetched("resnet101"), await fetched("resnet101-v2")];
    const settled = (model: Readonly<Record<string, unknown>>) =>
      settleModel(recipeOf({ resnet: "resnet101", ...model }), cpu).model.resnetWeights;
    assert.equal(settled({ resnetWeights: "resnet101" }), first);
    assert.equal(settled({ resnetWeights: "auto" }), second, "torchvision's default");
    assert.equal(settled({ name: "g-sam", resnetWeights: "auto" }), first, "torchvision's former default");
    assert.equal(settled({ resnetWeights: null }), null);
    assert.equal(settled({}), null, "as before");
    assert.equal(settled({ resnetWeights: "/some/resnet.pth" }), "/some/resnet.pth");
    assert.equal(settled({ resnet: "nano", resnetWeights: "auto" }), null, "pretrained by no one");
    assert.equal(settled({ resnet: "none", resnetWeights: "auto" }), null);
  });

  test("that is not in the cache is refused with the command that fetches it", () => {
    for (const [model, name] of [
      [{ resnetWeights: "auto" }, "resnet50-v2"],
      [{ resnetWeights: "resnet50" }, "resnet50"],
      [{ name: "g-sam", resnet: "resnet18", resnetWeights: "auto" }, "resnet18"],
      [{ name: "deeplabv3", resnetWeights: "auto" }, "deeplabv3-resnet50"],
    ] as const)
      assert.throws(() => settleModel(recipeOf(model), cpu), {
        name: "Problem",
        message: new RegExp(
          `model\\.resnetWeights: weights "${name}": found nothing at .*adsam weights fetch ${name}\\..*null for random weights`,
        ),
      });
    const { model } = settleEncoder(recipeOf({ resnetWeights: "auto" }), cpu); // `adsam embed` has no use for it
    assert.equal(model.resnetWeights, "auto");
  });

  test("takes the published names alone, and none where there is no ResNet", () => {
    for (const name of resnetFileNames) assert.equal(recipeOf({ resnetWeights: name }).model.resnetWeights, name);
    assert.throws(
      () => recipeOf({ resnetWeights: "resnet50-v3" }),
      /found "resnet50-v3", expected one of auto, resnet18/,
    );
    assert.throws(
      () => recipeOf({ resnet: "none", resnetWeights: "resnet50" }),
      /weights for no ResNet, expected a ResNet/,
    );
    for (const { usualResnetWeights = {} } of Object.values(ownRecipes))
      for (const name of Object.values(usualResnetWeights)) assert.ok(resnetFileNames.includes(name), name);
  });
});

describe("a ResNet of random weights with frozen BatchNorm", () => {
  test("is doubted, with both ways out of it; no other is", () => {
    const doubt = (model: Readonly<Record<string, unknown>>) => randomFrozenNorm(recipeOf(model));
    assert.equal(
      doubt({}),
      "the ResNet begins with random weights, and its frozen BatchNorm normalises nothing, as the default recipe has it: " +
        "set model.resnetWeights to resnet50-v2 (adsam weights fetch resnet50-v2), or model.frozenBatchNorm to false",
    );
    assert.match(doubt({ resnet: "nano" })!, /: set model\.frozenBatchNorm to false$/);
    assert.match(doubt({ name: "deeplabv3", frozenBatchNorm: true })!, /nothing: set .* to deeplabv3-resnet50 /);
    for (const fine of [
      { frozenBatchNorm: false },
      { resnetWeights: "/some/resnet.pth" },
      { resnet: "none" },
      { name: "sam" },
      { name: "g-sam" },
      { name: "deeplabv3" },
    ])
      assert.equal(doubt(fine), undefined, JSON.stringify(fine));
    assert.match(
      recipeToYaml(recipeOf({})),
      /resnetWeights: null +# .*for AD-SAM resnet50-v2.*should not be frozen, as it is by default/,
    );
  });

  const data = path.join(root, "data");
  const runOf = (name: string, more: Readonly<Record<string, unknown>>) =>
    tinyRecipe({
      "data.root": data,
      "run.out": path.join(root, name),
      "model.resnet": "nano",
      "train.epochs": 1,
      ...more,
    });
  const warningsOf = async (recipe: Recipe, resume = false) => {
    const [events, warnings] = [new TrainEventStream(), [] as string[]];
    events.subscribe({ warning: ({ message }) => warnings.push(message) });
    await startTraining(recipe, { events, resume });
    return warnings;
  };

  before(async () => {
    await putScenes(data, "train", 4);
    await putScenes(data, "val", 1);
  });

  test("is warned of once, by the run that begins", async () => {
    const warnings = await warningsOf(runOf("frozen", {}));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /random weights, and its frozen BatchNorm/);
    assert.deepEqual(await warningsOf(runOf("frozen", { "train.epochs": 2 }), true), []);
    assert.deepEqual(await warningsOf(runOf("learnt", { "model.frozenBatchNorm": false })), []);
  });

  test("is not what a run with weights has; resumed, it keeps the file that it began with", async () => {
    const file = path.join(root, "nano.pth");
    using resnet = new ResNet("nano");
    saveCheckpoint(file, resnet.stateDict());
    const begun = runOf("weights", { "model.resnetWeights": file });
    assert.deepEqual(await warningsOf(begun), []);
    const { out } = begun.run;
    const resumed = resumedRecipe({ flags: { "run.out": out, "model.resnetWeights": "resnet18" } });
    assert.equal(resumed.model.resnetWeights, file, "settled when it began");
  });
});
