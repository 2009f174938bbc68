import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { openDataset } from "../src/data/open.js";
import { linkIddLite } from "../src/study/runner/idd-lite.js";
import { putLabel, putPicture } from "./data-fixtures.js";
import { folderForTests } from "./train-fixtures.js";

const root = folderForTests("idd-lite");

describe("IDD-Lite in a study", () => {
  test("the last tenth of its drives, by name, is kept for validation; a call again changes nothing", async () => {
    const size = { height: 21, width: 32 };
    const drives = Array.from({ length: 20 }, (_, i) => String(i + 1)); // by name 9 is the last
    for (const drive of drives) {
      await putPicture(path.join(root, "idd", "leftImg8bit", "train", drive, "1_image.jpg"), size);
      await putLabel(path.join(root, "idd", "gtFine", "train", drive, "1_label.png"), size, [0, 6, 255]);
    }
    const into = path.join(root, "linked");
    for (let turn = 0; turn < 2; turn++) assert.equal(await linkIddLite(path.join(root, "idd"), into), into);
    assert.deepEqual(readdirSync(path.join(into, "images", "val")), ["8", "9"]);
    const [train, val] = await Promise.all(
      ["train", "val"].map((split) => openDataset({ kind: "auto", root: into, split })),
    );
    assert.deepEqual([train!.name, train!.samples.length, val!.samples.length], ["IDD-Lite", 18, 2]);
    assert.deepEqual(
      val!.samples.map(({ id }) => id),
      ["8/1", "9/1"],
    );
    assert.ok([...train!.samples, ...val!.samples].every(({ labelPath }) => labelPath !== undefined));
    assert.equal(val!.classes.names.length, 7);
  });

  test("a folder without it is refused, with what is there", async () => {
    await assert.rejects(
      linkIddLite(path.join(root, "idd", "gtFine"), path.join(root, "none")),
      /IDD-Lite under ".*gtFine": found train, expected the folders leftImg8bit\/train and gtFine\/train/,
    );
  });
});
