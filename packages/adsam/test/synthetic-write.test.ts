/** Generated data sets on disk, read back by the readers of the real ones. */
import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { openBdd100k } from "../src/data/bdd100k.js";
import { openCityscapes } from "../src/data/cityscapes.js";
import { listFiles } from "../src/data/files.js";
import { readLabelIds } from "../src/data/label-png.js";
import { loadSample } from "../src/data/load-sample.js";
import { readPicture } from "../src/data/picture.js";
import { generateScene } from "../src/data/synthetic/generate.js";
import { writeSyntheticDataset } from "../src/data/synthetic/write.js";

async function folder(context: TestContext): Promise<string> {
  const root = await mkdtemp(path.join(tmpdir(), "adsam-synthetic-"));
  context.after(() => rm(root, { recursive: true, force: true }));
  return root;
}

const size = { width: 97, height: 65 };

test("structured scenes are a Cityscapes tree with labelIds, and the reader finds pixel for pixel what was drawn", async (context) => {
  const root = await folder(context);
  const progress: string[] = [];
  const onProgress = (done: number, total: number): void => void progress.push(`${done}/${total}`);
  await writeSyntheticDataset({ domain: "structured", root, train: 3, val: 2, seed: 9, size, onProgress, workers: 2 });
  assert.deepEqual(progress, ["1/5", "2/5", "3/5", "4/5", "5/5"]);
  const train = await openCityscapes(root, "train");
  const val = await openCityscapes(root, "val");
  assert.equal(train.samples.length, 3);
  assert.equal(val.samples.length, 2);
  assert.match(train.samples[1]!.imagePath, /leftImg8bit\/train\/([a-z]+)\/\1_000001_000019_leftImg8bit\.png$/);
  assert.match(train.samples[1]!.labelPath!, /gtFine\/train\/([a-z]+)\/\1_000001_000019_gtFine_labelIds\.png$/);
  const drawn = generateScene({ domain: "structured", seed: 9_000_001, size });
  const picture = await readPicture(train.samples[1]!.imagePath);
  assert.deepEqual(picture.size, size);
  assert.deepEqual(Buffer.from(picture.data), Buffer.from(drawn.image));
  const ids = await readLabelIds(train.samples[1]!.labelPath!);
  assert.deepEqual(Buffer.from(ids.data), Buffer.from(drawn.labelIds));
  assert.ok(ids.data.includes(7) && ids.data.includes(1), "road is 7 and the bonnet 1");
  assert.deepEqual(Buffer.from((await loadSample(train, 1)).label!.data), Buffer.from(drawn.label));
  const other = await readPicture(val.samples[1]!.imagePath);
  assert.notDeepEqual(Buffer.from(other.data), Buffer.from(picture.data), "the splits show different streets");
});

test("diverse scenes are a BDD100K tree with train ids; threads write the bytes that one thread would", async (context) => {
  const [threaded, inline] = [await folder(context), await folder(context)];
  const options = { domain: "diverse", train: 2, val: 1, seed: 4, size } as const;
  const written = await writeSyntheticDataset({ ...options, root: threaded, workers: 2 });
  await writeSyntheticDataset({ ...options, root: inline, workers: 0 });
  const files = await listFiles(threaded);
  assert.equal(files.length, 7, "three pictures, three labels, synthetic.json, and no half-written file");
  for (const file of files) {
    assert.deepEqual(await readFile(path.join(threaded, file)), await readFile(path.join(inline, file)), file);
  }
  const dataset = await openBdd100k(threaded, "train");
  assert.deepEqual(
    dataset.samples.map(({ imagePath }) => path.relative(threaded, imagePath)),
    ["images/10k/train/train-000000.jpg", "images/10k/train/train-000001.jpg"],
  );
  assert.equal(path.relative(threaded, dataset.samples[0]!.labelPath!), "labels/sem_seg/masks/train/train-000000.png");
  const drawn = generateScene({ domain: "diverse", seed: 4_000_000, size });
  const sample = await loadSample(dataset, 0);
  assert.deepEqual(Buffer.from(sample.label!.data), Buffer.from(drawn.label));
  const error = drawn.image.reduce((sum, value, i) => sum + Math.abs(value - sample.picture.data[i]!), 0);
  assert.ok(error / drawn.image.length < 8, "JPEG keeps the picture");
  assert.deepEqual(JSON.parse(await readFile(path.join(threaded, "synthetic.json"), "utf8")), written);
  assert.equal(
    Object.values(written.scenes).reduce((sum, n) => sum + n, 0),
    3,
  );
});

test("counts, seeds and folders that make no sense are refused before anything is drawn", async (context) => {
  const root = await folder(context);
  const good = { domain: "structured", root, train: 1, val: 0, seed: 1, size, workers: 0 } as const;
  const refused = async (change: object, found: RegExp): Promise<void> => {
    await assert.rejects(
      writeSyntheticDataset({ ...good, ...change }),
      (error) => error instanceof Problem && found.test(error.message),
    );
  };
  await refused({ train: -1 }, /-1 training pictures/);
  await refused({ val: 1.5 }, /1.5 validation pictures/);
  await refused({ seed: 2 ** 32 }, /the seed 4294967296/);
  await refused({ size: { width: 8, height: 8 } }, /the width 8/);
  assert.deepEqual(await readdir(root), []);
  const file = path.join(root, "synthetic.json");
  await writeSyntheticDataset({ ...good, train: 0 });
  await refused(
    { root: path.join(file, "here") },
    /cannot write a data set into .*here": found a file where a folder should be/,
  );
});
