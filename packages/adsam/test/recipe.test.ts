import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { paperRecipe, recipeToYaml, resolveRecipe } from "../src/train/recipe.js";
import { recipeFields, valueFromText } from "../src/train/recipe-fields.js";

const folder = mkdtempSync(join(tmpdir(), "adsam-recipe-"));
process.chdir(folder); // recipes are named in errors as the user would: relative to where they stand

function recipe(text: string, name = "demo.yaml"): string {
  writeFileSync(join(folder, name), text);
  return name;
}

function complaint(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof Problem) return error.message;
    throw error;
  }
  throw new Error("nothing was refused");
}

describe("defaults", () => {
  test("are the paper's numbers", () => {
    const { input, augment, model, loss, optim, train } = paperRecipe();
    assert.deepEqual(input, { height: 1024, width: 1024 });
    assert.deepEqual(augment, { mirror: 0.5, scale: null, crop: null, grow: null, rotate: 0, jitter: null });
    assert.deepEqual([model.encoder, model.encoderTrained, model.resnet], ["auto", false, "resnet50"]);
    assert.deepEqual([model.frozenBatchNorm, model.deformable, model.channelAttention], [true, true, true]);
    assert.deepEqual([model.fusionDim, model.decoderDims], [256, [128, 64, 32]]);
    assert.deepEqual([loss.focal, loss.dice, loss.lovasz, loss.surface, loss.crossEntropy], [0.4, 0.3, 0.2, 0.1, 0]);
    assert.deepEqual([loss.focalAlpha, loss.focalGamma, loss.surfaceForm], [0.25, 2, "distance"]);
    assert.deepEqual([optim.name, optim.lr, optim.weightDecay], ["adamw", 2e-4, 5e-4]);
    assert.ok(Math.abs(optim.lr * optim.resnetLrFactor - 2e-5) < 1e-12);
    assert.deepEqual([optim.schedule, optim.minLr, optim.by], ["cosine", 1e-6, "epoch"]);
    assert.deepEqual([train.batchSize, train.epochs], [2, 100]);
  });

  test("every field has a description, a type and what it expects", () => {
    for (const { path, description, meta } of recipeFields) {
      assert.ok(description.length > 3 && meta.type.length > 2 && meta.expects.length > 3, path);
    }
  });
});

describe("files and flags", () => {
  test("flags override the file, the file overrides its base, and each value knows where it came from", () => {
    recipe("train:\n  epochs: 40\n  batchSize: 4\noptim: {lr: 1e-3}\n", "base.yaml");
    const file = recipe("# mine\nextends: base.yaml\ntrain:\n  epochs: 7\n");
    const { recipe: found, sources } = resolveRecipe({ file, flags: { "optim.lr": "5e-4" } });
    assert.deepEqual([found.train.epochs, found.train.batchSize, found.optim.lr, found.optim.eps], [7, 4, 5e-4, 1e-8]);
    const named = ["train.epochs", "train.batchSize", "optim.lr", "optim.eps"].map((path) => sources.get(path));
    assert.deepEqual(named, ["demo.yaml:4", "base.yaml:3", "--optim.lr", "default"]);
  });

  test("an extended recipe stays beneath the file wherever `extends` stands", () => {
    recipe("train: {epochs: 40}\n", "base.yaml");
    const file = recipe("train: {epochs: 7}\nextends: base.yaml\n");
    assert.equal(resolveRecipe({ file }).recipe.train.epochs, 7);
  });

  test("an input path is relative to the file that names it, or to the current folder for a flag; an output is as given", () => {
    const inner = mkdtempSync(join(folder, "inner-"));
    writeFileSync(join(inner, "a.yaml"), "data: {root: scenes}\nrun: {out: runs/a}\n");
    const { data, run, model } = resolveRecipe({
      file: join(inner, "a.yaml"),
      flags: { "model.encoderWeights": "sam.pth" },
    }).recipe;
    assert.deepEqual([data.root, run.out, model.encoderWeights], [join(inner, "scenes"), "runs/a", resolve("sam.pth")]);
  });

  test("texts of flags become values", () => {
    const { recipe: found } = resolveRecipe({
      flags: {
        "augment.crop": "512x1024",
        "augment.scale": "0.5,2",
        "augment.jitter": "{brightness: 0.4, contrast: 0.4, saturation: 0}",
        "model.numClasses": "12",
        "model.deformable": "false",
        "data.root": "123",
        "optim.clipNorm": "1",
        "train.checkpointEvery": "null",
        "model.resnet": "none",
      },
    });
    assert.deepEqual(found.augment.crop, { height: 512, width: 1024 });
    assert.deepEqual(found.augment.scale, [0.5, 2]);
    const jitter: { brightness: number; contrast: number; saturation: number } | null = found.augment.jitter;
    assert.deepEqual(jitter, { brightness: 0.4, contrast: 0.4, saturation: 0 });
    assert.deepEqual([found.model.numClasses, found.model.deformable, found.model.resnet], [12, false, "none"]);
    assert.deepEqual([found.data.root, found.optim.clipNorm, found.train.checkpointEvery], [resolve("123"), 1, null]);
  });

  test("a written recipe reads back to the same values", () => {
    const flags = { "augment.crop": "96", "augment.scale": "0.5,2", "data.root": "a: # odd name", "optim.eps": "1e-8" };
    const { recipe: first } = resolveRecipe({ flags });
    const again = resolveRecipe({ file: recipe(recipeToYaml(first), "written.yaml") }).recipe;
    assert.deepEqual(again, first);
  });

  test("the text of every default, given as a flag, is the default", () => {
    for (const field of recipeFields) {
      const { defaultValue, meta } = field;
      const said = meta.form === "text" ? String(defaultValue) : JSON.stringify(defaultValue);
      assert.deepEqual(valueFromText(field, said), defaultValue, field.path);
    }
  });
});

describe("errors name file, line and key", () => {
  const optimKeys =
    "name, lr, matrixLr, resnetLrFactor, encoderLrFactor, offsetLrFactor, weightDecay, betas, eps, momentum, schedule, polyPower, minLr, warmupSteps, by, clipNorm, accumulate";
  const cases: [text: string, message: string][] = [
    [
      "run:\n  seed: 1\noptim:\n  lr: fast\n",
      'recipe demo.yaml:4, key "optim.lr": found "fast", expected a number above 0. The default is 0.0002.',
    ],
    [
      "optim:\n  weight_decay: 0.1\n",
      `recipe demo.yaml:2, unknown key "optim.weight_decay": expected one of ${optimKeys}. Did you mean "optim.weightDecay"?`,
    ],
    [
      "optim:\n  schedul: cosine\n",
      `recipe demo.yaml:2, unknown key "optim.schedul": expected one of ${optimKeys}. Did you mean "optim.schedule"?`,
    ],
    [
      "\nepochs: 3\n",
      'recipe demo.yaml:2, unknown key "epochs": expected one of data, input, augment, model, loss, optim, train, run, extends. Did you mean "train.epochs"?',
    ],
    [
      "input:\n  height: 100\n",
      'recipe demo.yaml:2, key "input.height": found 100, expected a multiple of 32. The default is 1024.',
    ],
    [
      "augment:\n  crop: {heigth: 64, width: 64}\n",
      'recipe demo.yaml:2, key "augment.crop", unknown key "heigth": expected one of height, width. Did you mean "height"?',
    ],
    [
      "train:\n  epochs:\n",
      'recipe demo.yaml:2, key "train.epochs": found null, expected a whole number, 1 or more. The default is 100.',
    ],
    ["input: 512\n", 'recipe demo.yaml:1, key "input": found 512, expected keys below it (height, width)'],
    [
      "run:\n  seed: 1\n  seed: 2\n",
      "recipe demo.yaml:3 is not valid YAML: found Map keys must be unique. Mend that line; groups are indented by two spaces.",
    ],
    ["extends: demo.yaml\n", "recipe demo.yaml extends itself: found demo.yaml → demo.yaml. Take one `extends` out."],
    [
      "extends: none.yaml\n",
      "recipe none.yaml cannot be read: found no such file, expected a YAML file. Keys are, for example, data.root and optim.lr; adsam train --print-recipe prints a whole one.",
    ],
    [
      "optim:\n  lr: 1e-5\n  minLr: 1e-4\n",
      "recipe: optim.minLr (demo.yaml:3) and optim.lr (demo.yaml:2): found 0.0001 above 0.00001, expected a learning rate that falls. Lower optim.minLr.",
    ],
    [
      "augment:\n  scale: [0.5, 2]\n",
      "recipe: augment.scale (demo.yaml:2) and augment.crop (default): found a random scale and no crop, expected a crop, because pictures of different sizes do not fit into one batch. Set augment.crop, for example to 1024x1024.",
    ],
    [
      "model:\n  decoderDims: [64, 32]\n",
      'recipe demo.yaml:2, key "model.decoderDims": found [64, 32], expected [stage 1, 2, 3], each a multiple of 8. The default is [128, 64, 32].',
    ],
    [
      "model:\n  attentionHeads: 6\n",
      "recipe: model.decoderDims (default) and model.attentionHeads (demo.yaml:2): found 128 channels for 6 heads, expected channels that the heads divide. Change one of them.",
    ],
    [
      "model: {encoder: none, resnet: none}\n",
      "recipe: model.encoder (demo.yaml:1) and model.resnet (demo.yaml:1): found none and none, expected at least one encoder. Name a SAM encoder or a ResNet.",
    ],
  ];
  for (const [text, message] of cases) {
    test(JSON.stringify(text), () =>
      assert.equal(
        complaint(() => resolveRecipe({ file: recipe(text) })),
        message,
      ),
    );
  }

  test("flags are named as they are typed", () => {
    assert.equal(
      complaint(() => resolveRecipe({ flags: { "train.epochs": "2.5" } })),
      "--train.epochs: found 2.5, expected a whole number, 1 or more. The default is 100.",
    );
    assert.equal(
      complaint(() => resolveRecipe({ flags: { "optim.decay": 1 } })),
      'flags, unknown key "optim.decay". Did you mean "optim.weightDecay"?',
    );
    assert.equal(
      complaint(() => resolveRecipe({ flags: { colour: "blue" } })),
      'flags, unknown key "colour"',
    );
  });
});
