import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { planStudy } from "../src/study/plan/plan.js";
import { readStudy } from "../src/study/plan/read.js";
import { resolveRecipe } from "../src/train/recipe.js";
import { shippedRecipes } from "../src/train/shipped-recipes.js";

const folder = mkdtempSync(join(tmpdir(), "adsam-shipped-"));
after(() => rmSync(folder, { recursive: true }));

function written(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

describe("recipes that come with adsam", () => {
  test("each is a recipe, by its name", () => {
    assert.deepEqual(shippedRecipes.names(), ["small-data"]);
    for (const file of shippedRecipes.names()) resolveRecipe({ file });
    const { recipe, sources } = resolveRecipe({ file: "small-data", flags: { "train.minutes": "60" } });
    assert.deepEqual([recipe.optim.name, recipe.train.minutes], ["muon", 60]);
    assert.match(sources.get("optim.name")!, /recipes\/small-data\.yaml:\d+$/);
  });

  test("small-data is what was measured as AD-SAM in twenty minutes", () => {
    const run = planStudy(readStudy("two-cores")).runs.find(({ place }) => place === "ad-sam.camvid.20min.seed0")!;
    const { recipe } = resolveRecipe({ file: "small-data", flags: { "train.samples": 0 } });
    for (const group of ["input", "augment", "model", "loss", "optim"] as const)
      assert.deepEqual(recipe[group], run.recipe[group], group);
    const { valEvery: _, ...measured } = run.recipe.train; // valEveryMinutes stands in its place
    assert.deepEqual({ ...recipe.train, valEvery: undefined }, { ...measured, valEvery: undefined });
    assert.equal(recipe.data.workers, run.recipe.data.workers);
  });

  test("a recipe and a study's system begin with one by its name, and with no other's", () => {
    const mine = written("mine.yaml", "extends: small-data\ntrain: { batchSize: 2 }\n");
    const { recipe } = resolveRecipe({ file: mine });
    assert.deepEqual([recipe.optim.name, recipe.train.batchSize], ["muon", 2]);
    const unknown = written("unknown.yaml", "extends: smalldata\n");
    const refusal = /found "smalldata", expected small-data, or the path of a YAML file/;
    assert.throws(
      () => resolveRecipe({ file: unknown }),
      new RegExp(`unknown\\.yaml:1, key "extends": ${refusal.source}`),
    );
    assert.throws(() => resolveRecipe({ file: "smalldata" }), new RegExp(`recipe: ${refusal.source}`));
    const study = (file: string) =>
      readStudy(
        written(
          "study.yaml",
          `title: Mine
systems:
  ad-sam: { title: AD-SAM, kind: subject, file: ${file} }
data: { camvid: { title: CamVid, kind: camvid, root: camvid } }
seeds: [0]
budgets: { short: { minutes: 1 } }
experiments: { accuracy: { asks: accuracy, train: [camvid], budgets: [short] } }
`,
        ),
      );
    assert.equal(planStudy(study("small-data")).runs[0]!.recipe.optim.name, "muon");
    assert.throws(() => study("smalldata"), new RegExp(`key "systems\\.ad-sam\\.file": ${refusal.source}`));
  });

  test("a file of that name is taken for itself", (t) => {
    const before = process.cwd();
    t.after(() => process.chdir(before));
    written("small-data", "optim: { lr: 0.5 }\n");
    process.chdir(folder);
    assert.equal(shippedRecipes.has("small-data"), false);
    assert.equal(resolveRecipe({ file: "small-data" }).recipe.optim.lr, 0.5);
  });
});
