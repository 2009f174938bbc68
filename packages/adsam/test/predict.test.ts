import assert from "node:assert/strict";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, type TestContext, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { decode } from "fast-png";
import { readLabelIds } from "../src/data/label-png.js";
import { camvidClasses, cityscapesClasses, cityscapesLabels } from "../src/data/labels.js";
import { openDataset } from "../src/data/open.js";
import { type LabelMap, pixels, readPicture } from "../src/data/picture.js";
import { evaluate } from "../src/evaluate/evaluate.js";
import { ahead } from "../src/predict/ahead.js";
import { findInputs } from "../src/predict/inputs.js";
import { outputNames } from "../src/predict/names.js";
import { Predictor } from "../src/predict/predictor.js";
import { type PredictionRun, predictFiles } from "../src/predict/run.js";
import { putCityscapes, putPicture, temporaryFolder } from "./data-fixtures.js";
import { tinyCheckpoint } from "./tiny-checkpoint.js";

/** A folder with a checkpoint, pictures of two sizes and shapes (one below a folder of its own), and something that is no picture. */
async function workplace(t: TestContext) {
  const root = await temporaryFolder(t);
  const checkpoint = tinyCheckpoint(path.join(root, "tiny.pth"));
  const streets = path.join(root, "streets");
  await putPicture(path.join(streets, "b.png"), { height: 45, width: 70 });
  await putPicture(path.join(streets, "a.png"), { height: 61, width: 33 });
  await putPicture(path.join(streets, "far", "c.png"), { height: 45, width: 70 });
  await writeFile(path.join(streets, "notes.txt"), "no picture");
  const out = path.join(root, "out");
  const run = (more: Partial<PredictionRun> = {}) =>
    predictFiles({ checkpoint, inputs: [streets], out, workers: 0, threads: 1, ...more });
  const ids = (name: string) => readLabelIds(path.join(out, name));
  return { root, checkpoint, streets, out, run, ids };
}

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join("/"))
    .sort();

const agreement = (a: LabelMap, b: LabelMap) => a.data.filter((id, i) => id === b.data[i]).length / pixels(a.size);

describe("Predictor", () => {
  test("ids at the picture's own size, and shares that add up", async (t) => {
    const { checkpoint, streets } = await workplace(t);
    using predictor = Predictor.open(checkpoint, { threads: 1 });
    assert.deepEqual(predictor.input, { height: 64, width: 96 }); // the recipe's
    const { ids, shares } = predictor.predict(await readPicture(path.join(streets, "a.png")));
    assert.deepEqual(ids.size, { height: 61, width: 33 });
    assert.equal(ids.data.length, 61 * 33);
    assert.deepEqual(Object.keys(shares), cityscapesClasses.names);
    const sum = Object.values(shares).reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 1) < 1e-12, `${sum}`);
    const road = ids.data.filter((id) => id === 0).length;
    assert.equal(shares.road, road / (61 * 33));
    assert.ok(new Set(ids.data).size > 3, "the random network should not answer the same everywhere");
  });

  test("the same ids as evaluation gives at the labels' size", async (t) => {
    const { root, checkpoint } = await workplace(t);
    const data = path.join(root, "cityscapes");
    await putCityscapes(data, "val", 3);
    const dataset = await openDataset({ kind: "cityscapes", root: data, split: "val" });
    using predictor = Predictor.open(checkpoint, { threads: 1, size: { height: 96, width: 64 } });
    const { network, input, compute } = predictor;
    let compared = 0;
    const onPrediction = async ({ index, prediction }: { index: number; prediction: LabelMap }) => {
      const { ids } = predictor.predict(await readPicture(dataset.samples[index]!.imagePath));
      assert.deepEqual(ids, prediction);
      compared++;
    };
    await evaluate({ network, dataset, input, resolution: "label", compute, workers: 0, onPrediction });
    assert.equal(compared, 3);
  });

  test("a size that cannot be halved five times is refused", async (t) => {
    const { checkpoint } = await workplace(t);
    assert.throws(
      () => Predictor.open(checkpoint, { size: { height: 64, width: 100 } }),
      new Problem({
        what: "prediction",
        found: "a network input of height 64, width 100",
        expected: "multiples of 32",
      }),
    );
  });
});

describe("a folder", () => {
  test("ids, overlays and shares of each picture, at its own size", async (t) => {
    const { run, out, ids, streets, checkpoint } = await workplace(t);
    const summary = await run();
    assert.deepEqual(
      await filesIn(out),
      ["a", "b", "c"].flatMap((name) => [`${name}_ids.png`, `${name}_overlay.png`]).concat("predictions.json"),
    );
    assert.deepEqual(JSON.parse(await readFile(path.join(out, "predictions.json"), "utf8")), summary);
    assert.deepEqual([summary.complete, summary.failed, summary.ids], [true, [], "train ids"]);
    using predictor = Predictor.open(checkpoint, { threads: 1 });
    for (const [i, name] of ["a.png", "b.png", "far/c.png"].entries()) {
      const picture = await readPicture(path.join(streets, name));
      const expected = predictor.predict(picture);
      const listed = summary.pictures[i]!;
      assert.deepEqual(listed.shares, expected.shares);
      assert.deepEqual({ height: listed.height, width: listed.width }, picture.size);
      assert.deepEqual(await ids(listed.ids!), expected.ids);
      const veiled = await readPicture(path.join(out, listed.overlay!));
      const at = 7 * picture.size.width + 20; // a pixel off both diagonals
      const colour = cityscapesClasses.colours[expected.ids.data[at]!]!;
      for (let c = 0; c < 3; c++)
        assert.equal(veiled.data[3 * at + c], Math.round(0.5 * picture.data[3 * at + c]! + 0.5 * colour[c]!));
    }
  });

  test("threads and batches change nothing", async (t) => {
    const { run, root, ids } = await workplace(t);
    await run();
    const out = path.join(root, "threads");
    const { pictures } = await run({ workers: 2, batchSize: 2, out });
    assert.equal(pictures.length, 3);
    for (const name of ["a", "b", "c"]) {
      const [one, other] = [await ids(`${name}_ids.png`), await readLabelIds(path.join(out, `${name}_ids.png`))];
      assert.deepEqual(one.size, other.size);
      assert.ok(agreement(one as LabelMap, other as LabelMap) > 0.999); // a batch may round the last bit otherwise
    }
  });

  test("forms of ids: palette, Cityscapes' own", async (t) => {
    const { run, out, ids, root } = await workplace(t);
    await run();
    const plain = await ids("a_ids.png");
    await run({ out: path.join(root, "palette"), palette: true, overlay: false });
    assert.deepEqual(await filesIn(path.join(root, "palette")), [
      "a_ids.png",
      "b_ids.png",
      "c_ids.png",
      "predictions.json",
    ]);
    const file = path.join(root, "palette", "a_ids.png");
    assert.deepEqual(await readLabelIds(file), plain);
    assert.deepEqual(decode(await readFile(file)).palette?.[13], [0, 0, 142]); // cars are blue
    const summary = await run({ labelIds: true, palette: true, overwrite: true });
    assert.equal(summary.ids, "Cityscapes label ids");
    const labelIds = await ids("a_ids.png");
    for (const [i, id] of plain.data.entries())
      assert.equal(labelIds.data[i], cityscapesLabels.find(({ trainId }) => trainId === id)!.id);
    assert.deepEqual(decode(await readFile(path.join(out, "a_ids.png"))).palette?.[26], [0, 0, 142]);
  });

  test("forms of overlays: JPEG, none, invisible, opaque", async (t) => {
    const { run, streets, root, ids } = await workplace(t);
    await run({ overlayFormat: "jpg", ids: false });
    assert.deepEqual((await filesIn(path.join(root, "out"))).slice(0, 2), ["a_overlay.jpg", "b_overlay.jpg"]);
    await run({ alpha: 0, overwrite: true });
    const [original, same] = [path.join(streets, "b.png"), path.join(root, "out", "b_overlay.png")];
    assert.deepEqual([...(await readPicture(same)).data], [...(await readPicture(original)).data]);
    await run({ alpha: 1, overwrite: true });
    const opaque = await readPicture(same);
    const map = await ids("b_ids.png");
    assert.deepEqual([...opaque.data.subarray(0, 3)], cityscapesClasses.colours[map.data[0]!]);
    await assert.rejects(run({ alpha: 1.5, overwrite: true }), /--alpha: found 1\.5, expected 0/);
  });

  test("Cityscapes' ids of other classes are refused", async (t) => {
    const { run, root } = await workplace(t);
    const checkpoint = tinyCheckpoint(path.join(root, "camvid.pth"), camvidClasses);
    await assert.rejects(run({ checkpoint, labelIds: true }), /--label-ids: found a network of 11 classes/);
  });

  test("a broken picture is listed, the rest goes on", async (t) => {
    const { run, streets, out } = await workplace(t);
    const whole = await readFile(path.join(streets, "b.png"));
    await writeFile(path.join(streets, "aa.png"), whole.subarray(0, whole.length / 2));
    await writeFile(path.join(streets, "empty.jpg"), "");
    for (const batchSize of [1, 2]) {
      const { pictures, failed } = await run({ batchSize, overwrite: true });
      assert.deepEqual(
        pictures.map(({ ids }) => ids),
        ["a_ids.png", "b_ids.png", "c_ids.png"],
      );
      assert.deepEqual(
        failed.map(({ file }) => path.basename(file)),
        ["aa.png", "empty.jpg"],
      );
      assert.match(failed[0]!.error, /^picture ".*aa\.png": found \d+ bytes that cannot be decoded/);
      assert.match(failed[1]!.error, /found an empty file/);
    }
    assert.equal((await filesIn(out)).length, 7);
  });

  test("what an earlier run left is neither overwritten nor predicted", async (t) => {
    const { run, streets, out } = await workplace(t);
    const first = await run({ out: streets });
    const before = await readFile(path.join(streets, "a_ids.png"));
    await assert.rejects(run({ out: streets, palette: true }), {
      name: "Problem",
      message: `output "${path.join(streets, "predictions.json")}" and 6 more: found a file of that name, expected none. Choose another --out, or replace them with --overwrite.`,
    });
    assert.deepEqual(await readFile(path.join(streets, "a_ids.png")), before);
    const second = await run({ out: streets, overwrite: true });
    assert.deepEqual(
      second.pictures.map(({ file }) => file),
      first.pictures.map(({ file }) => file),
    );
    await assert.rejects(readdir(out)); // never made
  });

  test("an input is never overwritten, not even on request", async (t) => {
    const { run, streets } = await workplace(t);
    await cp(path.join(streets, "b.png"), path.join(streets, "a_overlay.png"));
    const inputs = [path.join(streets, "a.png"), path.join(streets, "a_overlay.png")];
    await assert.rejects(run({ inputs, out: streets, overwrite: true }), /found one of the inputs at that place/);
  });

  test("stopped, it finishes the picture at hand and writes what is done", async (t) => {
    const { run, out } = await workplace(t);
    const stop = new AbortController();
    const onProgress = (_: string, done: number, total: number | undefined) => {
      assert.equal(total, 3);
      if (done === 1) stop.abort();
    };
    const { complete, pictures } = await run({ signal: stop.signal, onProgress });
    assert.equal(complete, false);
    assert.equal(pictures.length, 1);
    assert.deepEqual(await filesIn(out), ["a_ids.png", "a_overlay.png", "predictions.json"]);
  });
});

describe("inputs", () => {
  test("files, folders and patterns, each file once", async (t) => {
    const { streets, out } = await workplace(t);
    const found = async (...words: string[]) =>
      (await findInputs(words, out)).map(({ file }) => path.relative(streets, file).split(path.sep).join("/"));
    assert.deepEqual(await found(path.join(streets, "b.png"), streets), ["b.png", "a.png", "far/c.png"]);
    assert.deepEqual(await found(`${streets}/*.png`), ["a.png", "b.png"]);
    assert.deepEqual(await found(`${streets}/**/{a,c}.*`), ["a.png", "far/c.png"]);
    assert.deepEqual(await found(path.join(streets, "notes.txt")), ["notes.txt"]); // named by itself: decoding will tell
  });

  test("a word that names nothing says what it could have been", async (t) => {
    const { streets, out } = await workplace(t);
    const empty = path.join(streets, "empty");
    await mkdir(empty);
    const refused = (word: string, found: RegExp) => assert.rejects(findInputs([streets, word], out), found);
    await refused(
      path.join(streets, "nothing.png"),
      /input ".*nothing\.png": found no such file or folder, expected a pic/,
    );
    await refused(empty, /found a folder without pictures or videos/);
    await refused(`${streets}/*.gif`, /found a pattern that no picture or video matches/);
  });

  test("brackets in a file's own name are no pattern", async (t) => {
    const { streets, out } = await workplace(t);
    const odd = await putPicture(path.join(streets, "street [1].png"), { height: 3, width: 4 });
    assert.deepEqual(await findInputs([odd], out), [{ file: odd, kind: "picture", name: "street [1]" }]);
  });

  test("names grow only where two files share one", () => {
    const names = (base: string, ...files: string[]) => outputNames(files.map((file) => ({ file: base + file, base })));
    assert.deepEqual(names("/x", "/a.png", "/s/b.png"), ["a", "b"]);
    assert.deepEqual(names("/x", "/s/a.png", "/t/a.png", "/t/b.png"), ["s/a", "t/a", "b"]);
    assert.deepEqual(names("/x", "/a.png", "/a.jpg"), ["x/a_png", "x/a_jpg"]);
    const two = outputNames([
      { file: "/p/x/a.png", base: "/p/x" },
      { file: "/p/y/a.png", base: "/p/y" },
    ]);
    assert.deepEqual(two, ["x/a", "y/a"]);
    for (const given of [
      ["/s/a.png", "/a.png", "/s/a.jpg", "/t/A.PNG"],
      ["/a.png", "/a.jpg", "/x/a_png.png"],
    ]) {
      const lower = names("/x", ...given).map((name) => name.toLowerCase());
      assert.equal(new Set(lower).size, given.length, lower.join());
    }
  });
});

describe("ahead", () => {
  test("keeps the order and begins no more than it should", async () => {
    let [begun, ended] = [0, 0];
    const work = async (item: number) => {
      begun++;
      await new Promise((resolve) => setTimeout(resolve, (7 * item) % 5));
      if (item === 3) throw new Error("three");
      return 10 * item;
    };
    const seen: unknown[] = [];
    for await (const { item, outcome } of ahead([0, 1, 2, 3, 4, 5], 2, work)) {
      ended++;
      assert.ok(begun - ended <= 2, `${begun} begun, ${ended} ended`);
      seen.push([item, outcome.status === "fulfilled" ? outcome.value : (outcome.reason as Error).message]);
    }
    assert.deepEqual(seen, [
      [0, 0],
      [1, 10],
      [2, 20],
      [3, "three"],
      [4, 40],
      [5, 50],
    ]);
  });

  test("left early, it leaves its source", async () => {
    let isLeft = false;
    async function* source() {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        isLeft = true;
      }
    }
    for await (const { item } of ahead(source(), 1, async (n) => n)) if (item === 2) break;
    assert.ok(isLeft);
  });
});
