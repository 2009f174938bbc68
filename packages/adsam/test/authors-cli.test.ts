import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { scope } from "@adsam/torch";
import { cityscapesClasses } from "../src/data/labels.js";
import { AdSam } from "../src/models/ad-sam.js";
import { readHeader, writeCheckpoint } from "../src/train/checkpoint.js";
import {
  authorsState,
  trainedLike,
  withoutPython,
  writeAuthors,
  writeByPython,
  writeEncoder,
} from "./authors-files.js";
import { put, putLabel, putPicture } from "./data-fixtures.js";
import { onMeta } from "./published-files.js";
import { adsam, type Ended, folderForTests, putScenes } from "./train-fixtures.js";

const root = folderForTests("authors");
const at = (...parts: string[]) => path.join(root, ...parts);
const [authors, sam, own] = [at("authors.pth"), at("sam.pth"), at("own.pth")];
const small = ["--size", "64x96", "--threads", "1", "--device", "cpu"];

/** A command that succeeds. @returns what it printed */
async function does(...words: string[]): Promise<Ended> {
  const ended = await adsam(words);
  assert.equal(ended.status, 0, ended.stderr);
  return ended;
}

before(async () => {
  await putScenes(at("scenes"), "val", 3);
  await putPicture(at("street.png"), { height: 70, width: 120 });
  scope(() => {
    using network = trainedLike();
    writeAuthors(authors, network);
    writeEncoder(sam, network);
    // The same network as a run's own checkpoint, encoder and all.
    const { recipe } = readHeader(authors, { encoderWeights: sam });
    const progress = { epoch: 2, step: 9, batches: 0, lossSums: {}, epochSeconds: 0, seconds: 0, best: null };
    const whole = { ...recipe, model: { ...recipe.model, encoderWeights: null } };
    writeCheckpoint(own, network, { recipe: whole, classes: cityscapesClasses, progress });
  });
});

describe("a checkpoint in the authors' form", () => {
  test("adsam eval: the scores of the same network as a run saves it", async () => {
    const words = ["--data", at("scenes"), ...small, "--json"];
    const theirs = await does("eval", authors, ...words, "--encoder-weights", sam);
    const ours = await does("eval", own, ...words);
    assert.deepEqual(JSON.parse(theirs.stdout), JSON.parse(ours.stdout));
    assert.equal(JSON.parse(theirs.stdout).pictures, 3);
    assert.equal(theirs.stderr, ours.stderr);
  });

  test("adsam predict: the same pictures, byte for byte", async () => {
    const words = [at("street.png"), ...small];
    await does("predict", authors, ...words, "--encoder-weights", sam, "--out", at("theirs"));
    await does("predict", own, ...words, "--out", at("ours"));
    for (const name of ["street_ids.png", "street_overlay.png"])
      assert.ok(readFileSync(at("theirs", name)).equals(readFileSync(at("ours", name))), name);
    const { classes } = JSON.parse(readFileSync(at("theirs", "predictions.json"), "utf8"));
    assert.deepEqual(classes, cityscapesClasses.names);
  });

  test("adsam describe: the same modules, and of its training that it is not known", async () => {
    const words = ["--size", "64x96", "--json"];
    const theirs = JSON.parse((await does("describe", authors, ...words, "--encoder-weights", sam)).stdout);
    const ours = JSON.parse((await does("describe", own, ...words)).stdout);
    assert.deepEqual(theirs.modules, ours.modules);
    assert.deepEqual([theirs.progress, ours.progress.epoch], [null, 2]);
    const { stdout } = await does("describe", authors, "--size", "64x96", "--encoder-weights", sam, "--depth", "1");
    assert.match(stdout, /19 classes\nweights from elsewhere; how they were trained is not known\n/);
    const { status, stderr } = await adsam(["describe", "--encoder-weights", sam]);
    assert.equal(status, 1);
    assert.match(stderr, /--encoder-weights with a recipe.*--model\.encoder/s);
  });

  test("without its encoder's file: one paragraph, and no output", async () => {
    for (const words of [
      ["eval", authors, "--data", at("scenes")],
      ["predict", authors, at("street.png"), "--out", at("none")],
    ]) {
      const { status, stdout, stderr } = await adsam([...words, ...small]);
      assert.deepEqual([status, stdout], [1, ""]);
      assert.match(
        stderr,
        /^adsam: checkpoint ".*authors\.pth": found a network on an embedding of 64 channels, .*--encoder-weights\.\n$/i,
      );
    }
    assert.ok(!existsSync(at("none")));
  });

  test("adsam train --resume: refused in a sentence that says what the file is good for", async () => {
    mkdirSync(at("run"));
    scope(() => {
      using network = trainedLike();
      writeAuthors(at("run", "last.pth"), network);
    });
    const { status, stderr } = await adsam(["train", "--resume", "--out", at("run"), "--data", at("scenes")]);
    assert.equal(status, 1);
    assert.match(
      stderr,
      /last\.pth": found weights of AD-SAM from elsewhere, .* It can be described, scored and used to predict, but no training can be resumed from it\.\n$/,
    );
  });

  test("of other classes: numbered, and in the data set's order where there is one", async () => {
    const five = at("five.pth");
    scope(() => {
      using network = trainedLike({ numClasses: 5, encoder: "none" });
      writeAuthors(five, network);
    });
    await put(at("own-data", "dataset.yaml"), "names: [road, car, sky, tree, wall]\n");
    await putPicture(at("own-data", "images", "val", "a.png"), { height: 40, width: 72 });
    await putLabel(at("own-data", "labels", "val", "a.png"), { height: 40, width: 72 }, [0, 1, 2, 3, 4]);
    const scored = await does("eval", five, "--data", at("own-data"), ...small, "--json");
    assert.deepEqual(
      JSON.parse(scored.stdout).perClass.map(({ name }: { name: string }) => name),
      ["road", "car", "sky", "tree", "wall"],
    );
    assert.match(
      scored.stderr,
      /^warning: the checkpoint does not name its classes: those of .* are taken, in their order\n/,
    );
    const refused = await adsam(["eval", five, "--data", at("scenes"), ...small]);
    assert.match(refused.stderr, /found a network of 5 classes, expected 19 \(road, /);
    const predicted = await does("predict", five, at("street.png"), ...small, "--out", at("five"), "--json");
    assert.deepEqual(JSON.parse(predicted.stdout).classes, ["class 0", "class 1", "class 2", "class 3", "class 4"]);
  });

  test("written by PyTorch: eval, predict, describe; at the authors' sizes, too", { skip: withoutPython }, async () => {
    const file = at("python.pth");
    const shapes = scope(() => {
      using network = trainedLike({ deformable: false });
      return Object.fromEntries([...authorsState(network)].map(([name, { shape }]) => [name, shape]));
    });
    assert.ok("up1.conv.0.weight" in shapes && "_sam_mean" in shapes);
    writeByPython(file, shapes);
    const encoder = ["--encoder-weights", sam];
    const { stdout } = await does("eval", file, "--data", at("scenes"), ...small, ...encoder, "--json");
    assert.ok(JSON.parse(stdout).mIoU >= 0);
    await does("predict", file, at("street.png"), ...small, ...encoder, "--out", at("python"));
    assert.ok(existsSync(at("python", "street_overlay.png")));

    const paper = onMeta(() => new AdSam({ decoder: "deformable-convolution", embeddingOnly: true })).stateDict();
    writeByPython(file, Object.fromEntries([...paper].map(([name, { shape }]) => [name, shape])));
    const described = JSON.parse((await does("describe", file, "--json")).stdout);
    assert.deepEqual(described.parameters, { trained: 26_942_320, frozen: 637_026_048 }); // the authors' count, and ViT-H's
    assert.deepEqual(described.input, { height: 1024, width: 1024 });
  });
});
