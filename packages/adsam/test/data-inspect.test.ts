import assert from "node:assert/strict";
import { rm, truncate } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { convertFolder } from "../src/data/convert.js";
import { coloursToIds } from "../src/data/convert-label.js";
import { faults, inspectDataset } from "../src/data/inspect.js";
import { readLabelIds } from "../src/data/label-png.js";
import { camvidClasses, camvidLabels, cityscapesLabels } from "../src/data/labels.js";
import { openDataset } from "../src/data/open.js";
import { colourise, writePicture } from "../src/data/write-png.js";
import { put, putCityscapes, putLabel, putPicture, repeat, temporaryFolder } from "./data-fixtures.js";

const size = { height: 6, width: 10 };

describe("inspect", () => {
  test("ids, shares, sizes", async (t) => {
    const root = await temporaryFolder(t);
    for (const [name, ids] of [
      ["a", [3, 3, 0, 11]],
      ["b", [3, 8]],
    ] as const) {
      await putPicture(path.join(root, "train", `${name}.png`), size);
      await putLabel(path.join(root, "trainannot", `${name}.png`), size, ids);
    }
    const dataset = await openDataset({ kind: "auto", root, split: "train" });
    const seen: string[] = [];
    const inspection = await inspectDataset(dataset, {
      workers: 2,
      onProgress: (done, total) => seen.push(`${done}/${total}`),
    });
    assert.deepEqual(seen, ["1/2", "2/2"]);
    assert.deepEqual(await inspectDataset(dataset, { workers: 0 }), inspection);
    assert.deepEqual(inspection.ids, [
      { id: 0, name: "sky", trainId: 0, pixels: 15, files: 1 },
      { id: 3, name: "road", trainId: 3, pixels: 60, files: 2 },
      { id: 8, name: "car", trainId: 8, pixels: 30, files: 1 },
      { id: 11, name: "void", trainId: 255, pixels: 15, files: 1 },
    ]);
    assert.deepEqual(inspection.classes[3], { name: "road", pixels: 60, files: 2, share: 60 / 105 });
    assert.equal(inspection.classes.length, 11);
    assert.equal(inspection.ignoredShare, 15 / 120);
    assert.deepEqual(inspection.sizes, [{ ...size, pictures: 2 }]);
    assert.deepEqual(faults(inspection), []);
  });

  test("everything wrong is found, and nothing stops it", async (t) => {
    const root = await temporaryFolder(t);
    await putCityscapes(root, "train", 6, size);
    const { samples } = await openDataset({ kind: "auto", root, split: "train" });
    await truncate(samples[0]!.imagePath, 150);
    await put(samples[1]!.labelPath!, "");
    await putLabel(samples[2]!.labelPath!, { height: 5, width: 10 }, [7]);
    await putLabel(samples[3]!.labelPath!, size, [7, 99, 99]);
    await rm(samples[4]!.labelPath!);
    await rm(samples[5]!.imagePath);
    const inspection = await inspectDataset(await openDataset({ kind: "auto", root, split: "train" }), { workers: 1 });
    assert.equal(inspection.pictures, 5);
    assert.equal(inspection.labels, 4);
    assert.deepEqual(
      inspection.unreadable.map(({ file }) => file),
      [samples[0]!.imagePath, samples[1]!.labelPath, samples[2]!.labelPath],
    );
    assert.deepEqual(inspection.picturesWithoutLabel, [samples[4]!.imagePath]);
    assert.deepEqual(inspection.labelsWithoutPicture, [samples[5]!.labelPath]);
    const found = faults(inspection);
    const expected = [
      /found 150 bytes that cannot be decoded/,
      /found an empty file/,
      /found 10×5 \(width×height\), expected 10×6/,
      /^Id 99 is not defined by Cityscapes: 40 pixels in 1 label\.$/,
      /^No label for the picture ".*000004.*"\.$/,
      /^No picture for the label ".*000005.*"\.$/,
    ];
    assert.equal(found.length, expected.length);
    for (const [i, pattern] of expected.entries()) assert.match(found[i]!, pattern);
  });
});

describe("convert", () => {
  const ids = { data: repeat([0, 3, 8, 11, 10], size), size };

  test("colours → ids, on threads; what cannot be converted is reported", async (t) => {
    const root = await temporaryFolder(t);
    await writePicture(path.join(root, "colours", "deep", "a.png"), colourise(ids, camvidClasses));
    await putPicture(path.join(root, "colours", "b.png"), { height: 2, width: 2 });
    const [from, to] = [path.join(root, "colours"), path.join(root, "ids")];
    for (const workers of [0, 1]) {
      const report = await convertFolder(from, to, { labels: camvidLabels, from: "auto", to: "ids" }, { workers });
      assert.equal(report.written, 1);
      assert.match(
        report.failed[0]!.message,
        /b\.png": found 4 colours that the class table does not have: \(\d+, \d+, \d+\)×1/,
      );
      assert.deepEqual((await readLabelIds(path.join(to, "deep", "a.png"))).data, ids.data);
    }
    await assert.rejects(
      convertFolder(from, from, { labels: camvidLabels, from: "auto", to: "ids" }),
      /same folder as the target/,
    );
  });

  test("ids → train ids; unknown ids are refused", async (t) => {
    const root = await temporaryFolder(t);
    await putLabel(path.join(root, "in", "a.png"), size, [7, 33, 0]);
    await putLabel(path.join(root, "in", "b.png"), size, [7, 40]);
    const report = await convertFolder(
      path.join(root, "in"),
      path.join(root, "out"),
      { labels: cityscapesLabels, from: "auto", to: "trainIds" },
      { workers: 0 },
    );
    assert.equal(report.written, 1);
    assert.match(
      report.failed[0]!.message,
      /b\.png": found ids the class table does not define: 40×30 \(id×pixels; besides 7×30\), expected 0…33/,
    );
    assert.deepEqual([...(await readLabelIds(path.join(root, "out", "a.png"))).data.subarray(0, 3)], [0, 18, 255]);
  });

  test("of rows that share a colour, a class goes before an ignored one", () => {
    const grey = { data: Uint8Array.of(153, 153, 153, 0, 0, 0), size: { height: 1, width: 2 } };
    assert.deepEqual([...coloursToIds(grey, cityscapesLabels, "x").data], [17, 0]);
  });
});
