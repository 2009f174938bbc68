import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { openDataset } from "../src/data/open.js";
import { writeSyntheticDataset } from "../src/data/synthetic/write.js";
import { rarityWeights, settleClassWeights } from "../src/train/class-weights.js";
import { resolveRecipe } from "../src/train/recipe.js";
import { resumedRecipe } from "../src/train/resume.js";
import { folderForTests, train } from "./train-fixtures.js";

const root = folderForTests("class-weights");
const data = path.join(root, "data");
const recipe = (name: string, flags: Readonly<Record<string, unknown>> = {}) =>
  resolveRecipe({ flags: { ...small, "run.out": path.join(root, name), ...flags } }).recipe;

const small = {
  "data.root": data,
  "data.workers": 0,
  "input.height": 64,
  "input.width": 64,
  "model.encoder": "none",
  "model.encoderWeights": null,
  "model.resnet": "nano",
  "model.fusionDim": 16,
  "model.decoderDims": [16, 16, 16],
  "model.attentionHeads": 2,
  "loss.crossEntropy": 1,
  "loss.classWeights": "auto",
  "train.epochs": 2,
  "train.samples": 0,
  "run.device": "cpu",
  "run.threads": 1,
};

before(() =>
  writeSyntheticDataset({
    domain: "structured",
    root: data,
    size: { height: 64, width: 128 },
    train: 4,
    val: 1,
    seed: 5,
    workers: 0,
  }),
);

describe("class weights by rarity", () => {
  test("are square roots of ENet's, of mean 1 over the classes that occur; one that does not has 1", () => {
    const weights = rarityWeights([90, 10, 0]);
    const [common, rare] = [1 / Math.sqrt(Math.log(1.92)), 1 / Math.sqrt(Math.log(1.12))];
    const mean = (common + rare) / 2;
    assert.ok(Math.abs(weights[0]! - common / mean) < 1e-3);
    assert.ok(Math.abs(weights[1]! - rare / mean) < 1e-3);
    assert.equal(weights[2], 1);
    assert.deepEqual(rarityWeights([0, 0]), [1, 1]);
  });

  test("auto counts the training labels; a list and null stay what they are", async () => {
    const dataset = await openDataset({ kind: "auto", root: data, split: "train" });
    const { classWeights } = (await settleClassWeights(recipe("unused"), dataset)).loss;
    assert.ok(Array.isArray(classWeights));
    assert.equal(classWeights.length, 19);
    const [road, sign] = [dataset.classes.names.indexOf("road"), dataset.classes.names.indexOf("traffic sign")];
    assert.ok(classWeights[road]! < classWeights[sign]!, `${classWeights}`);
    for (const given of [null, Array.from({ length: 19 }, () => 1)]) {
      const own = recipe("unused", { "loss.classWeights": given });
      assert.equal(await settleClassWeights(own, dataset), own);
    }
  });

  test("stand in the checkpoint as numbers, and a resumed run that says auto keeps them", async () => {
    await train(recipe("run", { "train.stopAfterMinutes": 1e-6 }));
    const begun = resumedRecipe({ flags: { "run.out": path.join(root, "run") } });
    assert.ok(Array.isArray(begun.loss.classWeights));
    const again = resumedRecipe({
      flags: { ...small, "train.stopAfterMinutes": null, "run.out": path.join(root, "run") },
    });
    assert.deepEqual(again.loss.classWeights, begun.loss.classWeights);
    const { result } = await train(again, { resume: true });
    assert.equal(result.reason, "finished");
    const lines = readFileSync(path.join(root, "run", "recipe.yaml"), "utf8");
    assert.match(lines, /classWeights: \[[\d., ]+\]/);
  });
});
