import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { openHome } from "../src/train/home-domain.js";
import { openSplit } from "../src/train/start.js";
import { folderForTests, putScenes, tinyRecipe } from "./train-fixtures.js";

const root = folderForTests("home-domain");
const recipeWith = (flags: Readonly<Record<string, unknown>>) =>
  tinyRecipe({ "data.root": root, "data.kind": "cityscapes", ...flags });
const idsOf = async (flags: Readonly<Record<string, unknown>>) =>
  (await openSplit(recipeWith(flags), "val")).samples.map(({ id }) => id);

before(() => putScenes(root, "val", 9));

describe("the pictures that runs are compared on", () => {
  test("a part of a validation split is the same for every seed", async () => {
    const [first, second, third] = await Promise.all(
      [0, 1, 2].map((seed) => idsOf({ "data.limitVal": 4, "run.seed": seed })),
    );
    assert.equal(first!.length, 4);
    assert.deepEqual([second, third], [first, first]);
  });

  test("the home of a run is read as the run read it, by a limit of its own", async () => {
    const recipe = recipeWith({ "data.limitVal": 4 });
    const { classes } = await openSplit(recipe, "val");
    writeFileSync(path.join(root, "dataset.yaml"), "name: of someone else's, which auto would take\n");
    const home = async (limit?: string) =>
      (await openHome({ recipe, classes, progress: null }, { folder: root, limit })).samples.map(({ id }) => id);
    assert.deepEqual(await home("4"), await idsOf({ "data.limitVal": 4 }));
    assert.deepEqual([(await home("all")).length, (await home()).length], [9, 9]);
    await assert.rejects(home("few"), /--retention-limit: found "few", expected a whole number/);
  });
});
