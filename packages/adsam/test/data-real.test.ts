/** The readers on real pictures, where the folder with them lies beside the repository. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { faults, inspectDataset } from "../src/data/inspect.js";
import { readLabelIds } from "../src/data/label-png.js";
import { loadSample } from "../src/data/load-sample.js";
import { DataLoader } from "../src/data/loader.js";
import { openDataset } from "../src/data/open.js";
import { evaluationTransforms } from "../src/data/transforms/recipe.js";
import { resizeBilinear, resizeNearest } from "../src/data/transforms/resize.js";
import { ConfusionMatrix } from "../src/metrics/confusion.js";

const shared = fileURLToPath(new URL("../../../../../shared/data", import.meta.url));
const absent = (name: string): string | false =>
  existsSync(`${shared}/${name}`) ? false : `${shared}/${name} is not there`;
const python = "/usr/bin/python3";
const noPillow = (): string | false =>
  spawnSync(python, ["-c", "import PIL, numpy"]).status === 0 ? false : `no Pillow for ${python}`;
const sha = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

describe("CamVid", { skip: absent("camvid") }, () => {
  const root = `${shared}/camvid`;

  test("367 and 101 pairs by SegNet's lists", async () => {
    for (const [split, count] of [
      ["train", 367],
      ["val", 101],
    ] as const) {
      const dataset = await openDataset({ kind: "auto", root, split });
      assert.equal(dataset.name, "CamVid");
      assert.equal(dataset.samples.length, count);
      assert.ok(dataset.samples.every((sample) => sample.labelPath));
      assert.deepEqual(dataset.strayLabels, []);
    }
  });

  test("the validation split has no fault; road is its largest class", async () => {
    const inspection = await inspectDataset(await openDataset({ kind: "camvid", root, split: "val" }));
    assert.deepEqual(faults(inspection), []);
    assert.deepEqual(inspection.sizes, [{ height: 360, width: 480, pictures: 101 }]);
    const [largest] = inspection.classes.toSorted((a, b) => b.share - a.share);
    assert.equal(largest!.name, "road");
    assert.equal(
      inspection.ids.reduce((sum, { pixels }) => sum + pixels, 0),
      101 * 360 * 480,
    );
  });

  test("a label scored against itself is 1, at its own size through the loader", async () => {
    const dataset = await openDataset({ kind: "camvid", root, split: "val" });
    const recipe = evaluationTransforms({ height: 96, width: 128 });
    await using loader = new DataLoader({ dataset, recipe, batchSize: 10, mode: "evaluation", seed: 0 });
    const matrix = new ConfusionMatrix(11);
    for await (const { native } of loader.epoch(0, { skip: 8 }))
      for (const { data } of native!)
        matrix.update(
          data.map((id) => (id === 255 ? 0 : id)),
          data,
        );
    assert.equal(matrix.pixels + matrix.ignored, 21 * 360 * 480);
    assert.equal(matrix.meanIoU(), 1);
  });
});

describe("IDD-Lite", { skip: absent("idd-lite") }, () => {
  test("278 drives train and 31 validate; the validation split has no fault", async () => {
    const open = (split: string) => openDataset({ kind: "auto", root: `${shared}/idd-lite`, split });
    const [train, val] = [await open("train"), await open("val")];
    assert.equal(train.samples.length + val.samples.length, 1403);
    const drives = ({ samples }: typeof val) => new Set(samples.map(({ id }) => id.split("/")[0]));
    assert.deepEqual([drives(train).size, drives(val).size], [278, 31]);
    assert.ok([...drives(train)].every((drive) => !drives(val).has(drive)));
    const inspection = await inspectDataset(val);
    assert.deepEqual(faults(inspection), []);
    assert.deepEqual(inspection.sizes, [{ height: 227, width: 320, pictures: val.samples.length }]);
  });
});

describe("Cityscapes", { skip: absent("cityscapes") }, () => {
  test("three pairs and one, 2048×1024, labelIds", async () => {
    const root = `${shared}/cityscapes`;
    const [train, val] = [
      await openDataset({ kind: "auto", root, split: "train" }),
      await openDataset({ kind: "auto", root, split: "val" }),
    ];
    assert.equal(train.samples.length, 3);
    assert.equal(val.samples.length, 1);
    const { picture, label } = await loadSample(val, 0);
    assert.deepEqual(picture.size, { height: 1024, width: 2048 });
    assert.ok(label!.data.every((id) => id < 19 || id === 255));
  });

  test("decoded and resized as Pillow does, to the bit", { skip: noPillow() }, async () => {
    const dataset = await openDataset({ kind: "auto", root: `${shared}/cityscapes`, split: "val" });
    const { imagePath, labelPath } = dataset.samples[0]!;
    const { picture, label } = await loadSample(dataset, 0);
    const program = `
import hashlib, sys
import numpy as np
from PIL import Image
picture, label = Image.open(sys.argv[1]).convert("RGB"), Image.open(sys.argv[2])
sha = lambda image: hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
for size in [(1024, 1024), (769, 433)]:
    print(sha(picture.resize(size, Image.BILINEAR)), sha(label.resize(size, Image.NEAREST)))
`;
    const answer = spawnSync(python, ["-c", program, imagePath, labelPath!], { encoding: "utf8" })
      .stdout.trim()
      .split("\n");
    const ids = { data: (await readLabelIds(labelPath!)).data as Uint8Array, size: label!.size };
    for (const [i, size] of [
      { height: 1024, width: 1024 },
      { height: 433, width: 769 },
    ].entries())
      assert.equal(`${sha(resizeBilinear(picture, size).data)} ${sha(resizeNearest(ids, size).data)}`, answer[i]);
  });
});
