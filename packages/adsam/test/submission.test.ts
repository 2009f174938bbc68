import assert from "node:assert/strict";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { readLabelIds } from "../src/data/label-png.js";
import { camvidClasses, cityscapesLabels } from "../src/data/labels.js";
import { openDataset } from "../src/data/open.js";
import { writeGrey } from "../src/data/write-png.js";
import { type PredictionRun, predictFiles } from "../src/predict/run.js";
import { checkSubmission, inspectSubmission } from "../src/predict/submission/check.js";
import { putCityscapes, putPicture, temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

async function workplace(t: TestContext) {
  const root = await temporaryFolder(t);
  const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
  const out = path.join(root, "out");
  const run = (data: string, more: Partial<PredictionRun>) =>
    predictFiles({ checkpoint, inputs: [path.join(root, data)], out, workers: 0, threads: 1, ...more });
  return { root, out, run };
}

/** Two pictures as BDD100K lays them out, without masks, as its test split is. */
async function putBdd100k(root: string): Promise<void> {
  for (const name of ["cabc30fc-e7726578", "cac07407-0396e053"])
    await putPicture(path.join(root, "images", "10k", "test", `${name}.jpg`), { height: 36, width: 64 });
}

describe("submissions to benchmark servers", () => {
  test("Cityscapes: label ids, the picture's name, its size, one folder for all cities", async (t) => {
    const { root, out, run } = await workplace(t);
    await putCityscapes(path.join(root, "data"), "val", 3, { height: 45, width: 70 });
    const dataset = await openDataset({ kind: "cityscapes", root: path.join(root, "data"), split: "val" });
    const { submission, pictures } = await run("data", { format: "cityscapes", split: "val" });
    assert.deepEqual(submission, { format: "cityscapes", split: "val", folder: "cityscapes" });
    assert.equal(pictures.length, 3);
    const expected = dataset.samples.map(({ imagePath }) => path.basename(imagePath)).sort();
    assert.deepEqual((await readdir(path.join(out, "cityscapes"))).sort(), expected);
    assert.deepEqual((await readdir(out)).sort(), ["cityscapes", "predictions.json"]);
    const scored = new Set(cityscapesLabels.filter(({ ignored }) => !ignored).map(({ id }) => id));
    const { data, size } = await readLabelIds(path.join(out, "cityscapes", expected[0]!));
    assert.deepEqual(size, { height: 45, width: 70 });
    assert.ok(data.every((id) => scored.has(id)) && new Set(data).size > 3, `${new Set(data)}`);
  });

  test("BDD100K: train ids, the picture's name as PNG", async (t) => {
    const { root, out, run } = await workplace(t);
    await putBdd100k(path.join(root, "bdd"));
    const { ids } = await run("bdd", { format: "bdd100k" }); // the test split where none is named
    assert.equal(ids, "train ids");
    const folder = path.join(out, "bdd100k");
    assert.deepEqual((await readdir(folder)).sort(), ["cabc30fc-e7726578.png", "cac07407-0396e053.png"]);
    const { data, size } = await readLabelIds(path.join(folder, "cabc30fc-e7726578.png"));
    assert.deepEqual(size, { height: 36, width: 64 });
    assert.ok(data.every((id) => id < 19) && new Set(data).size > 3);
  });

  test("what is missing, of another size, of other ids or a stranger is named", async (t) => {
    const { root, out, run } = await workplace(t);
    const data = path.join(root, "data");
    await putCityscapes(data, "val", 4, { height: 45, width: 70 });
    await run("data", { format: "cityscapes", split: "val" });
    const dataset = await openDataset({ kind: "cityscapes", root: data, split: "val" });
    const folder = path.join(out, "cityscapes");
    const check = () => inspectSubmission(folder, "cityscapes", dataset);
    assert.deepEqual(await check(), { pictures: 4, faults: [] });
    const [a, b, c, d] = dataset.samples.map(({ imagePath }) => path.basename(imagePath)) as [
      string,
      string,
      string,
      string,
    ];
    await rename(path.join(folder, a), path.join(folder, "aachen_9.png"));
    await writeGrey(path.join(folder, b), { data: new Uint8Array(70 * 45).fill(7), size: { height: 70, width: 45 } });
    await writeGrey(path.join(folder, c), { data: new Uint8Array(70 * 45).fill(6), size: { height: 45, width: 70 } });
    await writeFile(path.join(folder, d), "no PNG");
    const { faults } = await check();
    assert.equal(faults.length, 5);
    assert.equal(faults[0], `${a} is missing`);
    assert.equal(faults[1], `${b} is 45×70 (width×height), its picture 70×45 (width×height)`);
    assert.equal(faults[2], `${c} holds 6, which stand for no class`);
    assert.match(faults[3]!, /found a file that does not begin as a PNG/);
    assert.equal(faults[4], `aachen_9.png belongs to no picture of split "val"`);
    await assert.rejects(
      checkSubmission(folder, "cityscapes", dataset),
      /is missing; .*; and 2 more, expected an id picture for each of the 4/,
    );
    await rm(folder, { recursive: true });
    assert.equal((await check()).faults.length, 4);
  });

  test("a picture of an earlier run that belongs to another split spoils it", async (t) => {
    const { root, out, run } = await workplace(t);
    await putBdd100k(path.join(root, "bdd"));
    await mkdir(path.join(out, "bdd100k"), { recursive: true });
    await writeGrey(path.join(out, "bdd100k", "older.png"), { data: new Uint8Array(4), size: { height: 2, width: 2 } });
    await assert.rejects(run("bdd", { format: "bdd100k" }), /older\.png belongs to no picture of split "test"/);
  });

  test("other classes, other layouts, other options and several inputs are refused", async (t) => {
    const { root, run } = await workplace(t);
    await putBdd100k(path.join(root, "bdd"));
    const few = tinyCheckpoint(path.join(root, "camvid.pth"), camvidClasses);
    const bdd = { format: "bdd100k" } as const;
    await assert.rejects(run("bdd", { ...bdd, checkpoint: few }), /--format bdd100k: found a network of 11 classes/);
    await assert.rejects(run("bdd", { format: "cityscapes" }), /the folder leftImg8bit/);
    await assert.rejects(run("bdd", { ...bdd, palette: true }), /--format bdd100k: found --palette/);
    await assert.rejects(run("bdd", { ...bdd, inputs: ["a", "b"] }), /--format bdd100k: found 2 inputs, expected one/);
    await assert.rejects(run("bdd", { split: "val" }), /--split: found "val" without --format/);
  });
});
