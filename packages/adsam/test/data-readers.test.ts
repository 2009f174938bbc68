import assert from "node:assert/strict";
import { cp, mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { loadSample } from "../src/data/load-sample.js";
import { openDataset } from "../src/data/open.js";
import { putCityscapes, putLabel, putPicture, temporaryFolder } from "./data-fixtures.js";

const size = { height: 6, width: 10 };

describe("Cityscapes", () => {
  test("pairs by name, ids become train ids", async (t) => {
    const root = await temporaryFolder(t);
    await putCityscapes(root, "val", 3);
    const dataset = await openDataset({ kind: "auto", root, split: "val" });
    assert.equal(dataset.name, "Cityscapes");
    assert.deepEqual(
      dataset.samples.map((sample) => sample.id),
      [0, 1, 2].map((i) => `ulm/ulm_00000${i}_000019`),
    );
    const { picture, label } = await loadSample(dataset, 1);
    assert.deepEqual(picture.size, { height: 19, width: 31 });
    assert.deepEqual(label!.size, picture.size);
    assert.deepEqual([...label!.data.subarray(0, 7)], [0, 1, 2, 10, 8, 255, 18]);
    assert.deepEqual(structuredClone(dataset), dataset, "plain data, ready for a worker");
  });

  test("labelTrainIds serve where there are no labelIds", async (t) => {
    const root = await temporaryFolder(t);
    const at = (kind: string, end: string): string => path.join(root, kind, "train", "bonn", `bonn_0_0_${end}.png`);
    await putPicture(at("leftImg8bit", "leftImg8bit"), size);
    await putLabel(at("gtFine", "gtFine_labelTrainIds"), size, [0, 18, 255]);
    const dataset = await openDataset({ kind: "cityscapes", root, split: "train" });
    assert.deepEqual([...(await loadSample(dataset, 0)).label!.data.subarray(0, 3)], [0, 18, 255]);
  });

  test("what is missing is named", async (t) => {
    const root = await temporaryFolder(t);
    const open = (split: string) => openDataset({ kind: "cityscapes", root, split });
    await mkdir(path.join(root, "elsewhere"));
    await assert.rejects(
      open("train"),
      /Cityscapes under ".*": found only elsewhere, expected the folder leftImg8bit \(leftImg8bit_train/,
    );
    await putCityscapes(root, "train", 1);
    await assert.rejects(open("val"), /found only train, expected the folder leftImg8bit\/val/);
    await rename(path.join(root, "gtFine"), path.join(root, "gtCoarse"));
    await assert.rejects(open("train"), /expected the folder gtFine\/train \(gtFine_trainvaltest\.zip\)/);
    await putLabel(path.join(root, "gtFine", "train", "ulm", "ulm_0_0_gtFine_color.png"), size, [0]);
    await assert.rejects(
      open("train"),
      /1 files, such as ulm_0_0_gtFine_color\.png, expected files ending in _gtFine_labelIds\.png/,
    );
    await assert.rejects(
      openDataset({ kind: "auto", root: path.join(root, "none"), split: "train" }),
      /found no such folder/,
    );
  });

  test("pictures without a label, and labels without a picture, are kept apart", async (t) => {
    const root = await temporaryFolder(t);
    await putCityscapes(root, "train", 3);
    const before = await openDataset({ kind: "cityscapes", root, split: "train" });
    await rm(before.samples[0]!.labelPath!);
    await rm(before.samples[2]!.imagePath);
    const { samples, strayLabels } = await openDataset({ kind: "cityscapes", root, split: "train" });
    assert.deepEqual(samples, [
      { id: before.samples[0]!.id, imagePath: before.samples[0]!.imagePath },
      before.samples[1],
    ]);
    assert.deepEqual(strayLabels, [before.samples[2]!.labelPath]);
  });
});

describe("BDD100K", () => {
  for (const [layout, folder, end] of [
    ["the present masks", "labels/sem_seg/masks/val", ""],
    ["the first masks", "labels/sem_seg/val", "_train_id"],
  ] as const)
    test(layout, async (t) => {
      const root = await temporaryFolder(t);
      for (const name of ["b1c66a42-6f7d68ca", "7d06fefd-f7be05a6"]) {
        await putPicture(path.join(root, "images/10k/val", `${name}.jpg`), size);
        await putLabel(path.join(root, folder, `${name}${end}.png`), size, [0, 13, 255]);
      }
      const dataset = await openDataset({ kind: "auto", root, split: "val" });
      assert.equal(dataset.name, "BDD100K");
      assert.deepEqual(
        dataset.samples.map((sample) => [sample.id, path.relative(root, sample.labelPath!)]),
        ["7d06fefd-f7be05a6", "b1c66a42-6f7d68ca"].map((name) => [name, `${folder}/${name}${end}.png`]),
      );
      assert.deepEqual([...(await loadSample(dataset, 0)).label!.data.subarray(0, 3)], [0, 13, 255]);
    });

  test("missing masks name both layouts", async (t) => {
    const root = await temporaryFolder(t);
    await putPicture(path.join(root, "images/10k/train/a.jpg"), size);
    await assert.rejects(
      openDataset({ kind: "auto", root, split: "train" }),
      /BDD100K under ".*": found only images, expected the folder labels\/sem_seg\/masks\/train or labels\/sem_seg\/train/,
    );
  });
});

describe("CamVid", () => {
  const fill = async (root: string): Promise<void> => {
    for (const name of ["a", "b", "c"]) {
      await putPicture(path.join(root, "train", `${name}.png`), size);
      await putLabel(path.join(root, "trainannot", `${name}.png`), size, [0, 10, 11]);
    }
  };

  test("SegNet's lists, in their order, whose paths begin on another machine", async (t) => {
    const root = await temporaryFolder(t);
    await fill(root);
    const line = (name: string): string => `/SegNet/CamVid/train/${name}.png /SegNet/CamVid/trainannot/${name}.png`;
    await writeFile(path.join(root, "train.txt"), `${line("c")}\r\n${line("a")}\n\n`);
    const { samples, strayLabels, name } = await openDataset({ kind: "auto", root, split: "train" });
    assert.equal(name, "CamVid");
    assert.deepEqual(
      samples.map((sample) => [sample.id, sample.imagePath, sample.labelPath]),
      ["c", "a"].map((n) => [
        `train/${n}`,
        path.join(root, "train", `${n}.png`),
        path.join(root, "trainannot", `${n}.png`),
      ]),
    );
    assert.deepEqual(strayLabels, [path.join(root, "trainannot", "b.png")]);
    await writeFile(path.join(root, "train.txt"), `${line("a")}\n${line("d")}\n`);
    await assert.rejects(
      openDataset({ kind: "camvid", root, split: "train" }),
      /train\.txt", line 2: found "\/SegNet\/CamVid\/train\/d\.png"/,
    );
    await writeFile(path.join(root, "train.txt"), "train/a.png\n");
    await assert.rejects(
      openDataset({ kind: "camvid", root, split: "train" }),
      /line 1: found "train\/a\.png", expected a picture and its label/,
    );
  });

  test("without lists, by folders; 11 is ignored", async (t) => {
    const root = await temporaryFolder(t);
    await fill(root);
    const dataset = await openDataset({ kind: "auto", root, split: "train" });
    assert.equal(dataset.samples.length, 3);
    assert.deepEqual([...(await loadSample(dataset, 2)).label!.data.subarray(0, 3)], [0, 10, 255]);
    await assert.rejects(
      openDataset({ kind: "auto", root, split: "val" }),
      /expected the folder val \(or the list val\.txt\)/,
    );
  });
});

describe("a folder of one's own", () => {
  const description = `
images: pictures/{split}
labels: annotations/{split}
names: [road, vehicle, sky]
ids: [7, [26, 27], 300]
ignore: [0]
imageSuffix: _image
labelSuffix: _label
`;
  const fill = async (root: string, text = description): Promise<void> => {
    await writeFile(path.join(root, "dataset.yaml"), text);
    await putPicture(path.join(root, "pictures/train/drive/1_image.png"), size);
    await putLabel(path.join(root, "annotations/train/drive/1_label.png"), size, [7, 26, 27, 0]);
  };

  test("names, several ids a class, ignored ids, suffixes, colours made up", async (t) => {
    const root = await temporaryFolder(t);
    await fill(root);
    for (const place of [root, path.join(root, "dataset.yaml")]) {
      const dataset = await openDataset({ kind: "auto", root: place, split: "train" });
      assert.deepEqual(dataset.classes.names, ["road", "vehicle", "sky"]);
      assert.equal(new Set(dataset.classes.colours.map(String)).size, 3);
      assert.deepEqual(
        dataset.samples.map((sample) => sample.id),
        ["drive/1"],
      );
      assert.equal(dataset.labelIdToTrainId[300], 2);
      assert.deepEqual([...(await loadSample(dataset, 0)).label!.data.subarray(0, 4)], [0, 1, 1, 255]);
    }
  });

  test("a wrong description is refused by key", async (t) => {
    const root = await temporaryFolder(t);
    const refused = async (text: string, message: RegExp): Promise<void> => {
      await fill(root, text);
      await assert.rejects(openDataset({ kind: "auto", root, split: "train" }), message);
    };
    await refused(`${description}colors: []`, /Unrecognized key: "colors"; .*|Unrecognized key: "colors"/);
    await refused("images: pictures/{split}", /names: /);
    await refused(`${description}colours: [[1, 2, 3]]`, /key "colours": found 1 entries, expected 3, one a name/);
    await refused(description.replace("[0]", "[27]"), /key "ignore": found id 27, which is also the class "vehicle"/);
    await refused("names: [a, b]\nids: [4, 4]\nimages: pictures/{split}", /label "b": found id 4 used twice/);
    await refused("names: [a", /dataset\.yaml": found/);
    await refused("names: [a]", /expected the folder images\/\{split\}/);
  });

  test("two pictures of one name are refused", async (t) => {
    const root = await temporaryFolder(t);
    await fill(root);
    await cp(path.join(root, "pictures/train/drive/1_image.png"), path.join(root, "pictures/train/drive/1_image.jpg"));
    await assert.rejects(openDataset({ kind: "folder", root, split: "train" }), /found two files called drive\/1/);
  });
});

describe("IDD-Lite", () => {
  const putDrive = async (root: string, split: string, drive: string): Promise<void> => {
    await putPicture(path.join(root, "leftImg8bit", split, drive, `0${drive}1_image.jpg`), size);
    await putLabel(path.join(root, "gtFine", split, drive, `0${drive}1_label.png`), size, [0, 1, 2, 3, 4, 5, 6, 255]);
    await putLabel(path.join(root, "gtFine", split, drive, `0${drive}1_inst_label.png`), size, [9]);
  };
  const ids = async (root: string, split: string): Promise<string[]> =>
    (await openDataset({ kind: "auto", root, split })).samples.map((sample) => sample.id);

  test("without val, the last tenth of the drives by name validates, and no drive is in both splits", async (t) => {
    const root = await temporaryFolder(t);
    for (const drive of ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"]) await putDrive(root, "train", drive);
    assert.deepEqual(await ids(root, "val"), ["8/081", "9/091"]);
    assert.deepEqual(
      await ids(root, "train"),
      ["0", "1", "10", "2", "3", "4", "5", "6", "7"].map((drive) => `${drive}/0${drive}1`),
    );
    const dataset = await openDataset({ kind: "auto", root, split: "val" });
    assert.equal(dataset.name, "IDD-Lite");
    assert.match(dataset.division!, /no folder val: the last 2 of the 11 drives of train by name, "8" to "9"/);
    assert.deepEqual(dataset.strayLabels, [], "neither instances nor labels of the other split");
    assert.deepEqual([...(await loadSample(dataset, 0)).label!.data.subarray(0, 8)], [0, 1, 2, 3, 4, 5, 6, 255]);
    assert.deepEqual(structuredClone(dataset), dataset, "plain data, ready for a worker");
    await assert.rejects(ids(root, "test"), /IDD-Lite under ".*": found only train, expected the folder leftImg8bit/);
  });

  test("a folder val is the validation split, and train is whole", async (t) => {
    const root = await temporaryFolder(t);
    for (const drive of ["1", "2"]) await putDrive(root, "train", drive);
    await putDrive(root, "val", "1");
    assert.deepEqual([await ids(root, "train"), await ids(root, "val")], [["1/011", "2/021"], ["1/011"]]);
    assert.equal((await openDataset({ kind: "idd-lite", root, split: "train" })).division, undefined);
  });

  test("one drive is not both splits", async (t) => {
    const root = await temporaryFolder(t);
    await putDrive(root, "train", "1");
    await assert.rejects(
      ids(root, "train"),
      /found no folder val, and 1 drive in train, expected a folder val, or two/,
    );
  });
});

test("a folder that looks like nothing known is told what was looked for", async (t) => {
  const root = await temporaryFolder(t);
  await mkdir(path.join(root, "leftImg8bit")); // the folder alone is not Cityscapes: other sets use the name
  await assert.rejects(openDataset({ kind: "auto", root, split: "train" }), (error: Error) => {
    assert.match(
      error.message,
      /found leftImg8bit, expected one of: a description, dataset\.yaml .*Cityscapes.*BDD100K.*CamVid/,
    );
    return true;
  });
});

describe("a sample that cannot be used", () => {
  test("unknown ids are refused with a histogram", async (t) => {
    const root = await temporaryFolder(t);
    await putPicture(path.join(root, "images/10k/train/a.jpg"), size);
    const label = path.join(root, "labels/sem_seg/masks/train/a.png");
    await putLabel(label, size, [7, 20, 20, 33, 255]);
    const dataset = await openDataset({ kind: "auto", root, split: "train" });
    await assert.rejects(loadSample(dataset, 0), (error: Error) => {
      const what = `label "${label}": found ids BDD100K does not define: 20×24, 33×12 (id×pixels; besides 7×12, 255×12), expected 0…18, 255. `;
      assert.equal(error.message.slice(0, what.length), what);
      return true;
    });
    await assert.rejects(loadSample(dataset, 1), /BDD100K, split "train": found sample 1, expected 0…0/);
  });

  test("a label of another size is refused, both named", async (t) => {
    const root = await temporaryFolder(t);
    const picture = await putPicture(path.join(root, "train/a.png"), size);
    const label = await putLabel(path.join(root, "trainannot/a.png"), { height: 10, width: 6 }, [0]);
    const dataset = await openDataset({ kind: "camvid", root, split: "train" });
    await assert.rejects(loadSample(dataset, 0), (error: Error) => {
      const what = `label "${label}": found 6×10 (width×height), expected 10×6 (width×height) as its picture "${picture}". `;
      assert.equal(error.message.slice(0, what.length), what);
      return true;
    });
  });
});
