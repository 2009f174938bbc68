import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { readPicture } from "../src/data/picture.js";
import { putPicture, temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));
const predict = (cwd: string, ...words: string[]) =>
  spawnSync(process.execPath, [script, "predict", ...words], { encoding: "utf8", cwd });

describe("adsam predict", () => {
  test("a quoted pattern, a table, and where the results are", async (t) => {
    const root = await temporaryFolder(t);
    tinyCheckpoint(path.join(root, "tiny.pth"));
    await putPicture(path.join(root, "frames", "0001.png"), { height: 40, width: 70 });
    await putPicture(path.join(root, "frames", "0002.png"), { height: 40, width: 70 });
    const words = [
      "tiny.pth",
      "frames/*.png",
      "--size",
      "32x64",
      "--threads",
      "1",
      "--no-ids",
      "--overlay-format",
      "jpg",
    ];
    const { status, stdout, stderr } = predict(root, ...words);
    assert.deepEqual([status, stderr], [0, ""]);
    assert.match(stdout, /^class +share +files\n/);
    assert.match(stdout, /\n2 pictures in \d+\.\d s, [\d.]+ a second: predictions\n$/);
    assert.deepEqual((await readPicture(path.join(root, "predictions", "0002_overlay.jpg"))).size, {
      height: 40,
      width: 70,
    });
    assert.ok(!existsSync(path.join(root, "predictions", "0001_ids.png")));
    const { input } = JSON.parse(readFileSync(path.join(root, "predictions", "predictions.json"), "utf8"));
    assert.deepEqual(input, { height: 32, width: 64 });
  });

  test("--json is predictions.json; a broken picture is one line on stderr and code 1", async (t) => {
    const root = await temporaryFolder(t);
    tinyCheckpoint(path.join(root, "tiny.pth"));
    await putPicture(path.join(root, "in", "good.png"), { height: 40, width: 70 });
    writeFileSync(path.join(root, "in", "bad.png"), "not a picture");
    const words = ["tiny.pth", "in", "--out", "o", "--json", "--batch", "2"];
    const { status, stdout, stderr } = predict(root, ...words);
    assert.equal(status, 1);
    assert.equal(stdout, readFileSync(path.join(root, "o", "predictions.json"), "utf8"));
    const { pictures, failed } = JSON.parse(stdout);
    assert.deepEqual([pictures.length, failed.length], [1, 1]);
    assert.match(stderr, /^warning: not predicted: picture ".*bad\.png": found 13 bytes that cannot be decoded .*\n$/);
    assert.ok(existsSync(path.join(root, "o", "good_overlay.png")));

    const again = predict(root, ...words);
    assert.deepEqual([again.status, again.stdout], [1, ""]);
    assert.match(again.stderr, /predictions\.json" and \d more: found a file of that name.*--overwrite\.\n$/);
    assert.equal(predict(root, ...words, "--overwrite").status, 1); // for the broken picture
  });

  test("what is wrong with the command line is told before anything is loaded", async (t) => {
    const root = await temporaryFolder(t);
    tinyCheckpoint(path.join(root, "tiny.pth"));
    await putPicture(path.join(root, "a.png"), { height: 4, width: 7 });
    const refused = (words: string[], code: number, message: RegExp) => {
      const { status, stderr } = predict(root, "tiny.pth", ...words);
      assert.equal(status, code, stderr);
      assert.match(stderr, message);
    };
    refused([], 2, /missing required argument 'input'/);
    refused(["a.png", "--alpha", "2"], 2, /expected a number, 0 to 1/);
    refused(["a.png", "--overlay-format", "gif"], 2, /Allowed choices are png, jpg/);
    refused(["a.png", "--size", "100"], 1, /--size/);
    refused(["a.png", "--every", "0"], 1, /--every: found 0, expected a whole number, 1 or more/);
    refused(["b.png"], 1, /input "b\.png": found no such file or folder/);
    const { stderr } = predict(root, "a.png", "a.png");
    assert.match(stderr, /^adsam: .*a\.png/);
    assert.ok(!existsSync(path.join(root, "predictions")));
  });
});
