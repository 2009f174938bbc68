import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { overRecipe, recipeToYaml, resolveRecipe } from "../src/train/recipe.js";
import { checkedValue, recipeField } from "../src/train/recipe-fields.js";
import { systemNames } from "../src/train/systems/names.js";
import { ownRecipes } from "../src/train/systems/own-recipes.js";

for (const name of systemNames)
  test(`${name}: its own values are a recipe's, and come back from a file and from a checkpoint`, (t) => {
    for (const [path, value] of Object.entries(ownRecipes[name].defaults)) {
      const field = recipeField(path);
      assert.ok(field, path);
      assert.deepEqual(checkedValue(field, value, path), value, path);
    }
    for (const path of ownRecipes[name].unused) assert.ok(recipeField(path), path);
    const { recipe } = resolveRecipe({ flags: { "model.name": name, "train.epochs": 7 } });
    const folder = mkdtempSync(join(tmpdir(), "adsam-own-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "recipe.yaml");
    writeFileSync(file, recipeToYaml(recipe));
    assert.deepEqual(resolveRecipe({ file }).recipe, recipe);
    assert.deepEqual(overRecipe(recipe, {}), recipe);
  });
