import assert from "node:assert/strict";
import { truncate } from "node:fs/promises";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import type { Batch } from "../src/data/batch.js";
import { type Dataset, draw } from "../src/data/dataset.js";
import { DataLoader, type LoaderOptions } from "../src/data/loader.js";
import { openDataset } from "../src/data/open.js";
import type { TransformRecipe } from "../src/data/transforms/recipe.js";
import { putCityscapes, temporaryFolder } from "./data-fixtures.js";

const recipe: TransformRecipe = {
  size: { height: 12, width: 20 },
  scale: [0.5, 2],
  crop: { height: 8, width: 14 },
  mirror: 0.5,
  jitter: { brightness: 0.3, contrast: 0.3, saturation: 0.3 },
};
const count = 11;

async function collect(
  options: Omit<LoaderOptions, "recipe" | "mode" | "seed">,
  epoch: number,
  skip = 0,
): Promise<Batch[]> {
  await using loader = new DataLoader({ recipe, mode: "training", seed: 5, ...options });
  const batches: Batch[] = [];
  for await (const batch of loader.epoch(epoch, { skip })) batches.push(batch);
  return batches;
}

describe("loader", () => {
  let dataset: Dataset;
  let root: string;
  const cleanUp: (() => unknown)[] = [];
  before(async () => {
    root = await temporaryFolder({ after: (f: () => unknown) => cleanUp.push(f) } as never);
    await putCityscapes(root, "train", count);
    dataset = await openDataset({ kind: "auto", root, split: "train" });
  });
  after(() => Promise.all(cleanUp.map((f) => f())));

  test("every sample once an epoch, in another order each epoch, the last batch smaller or dropped", async () => {
    const first = await collect({ dataset, batchSize: 3, workers: 2 }, 0);
    const second = await collect({ dataset, batchSize: 3, workers: 2, dropLast: true }, 1);
    assert.deepEqual(
      first.map((batch) => batch.indices.length),
      [3, 3, 3, 2],
    );
    assert.deepEqual(
      second.map((batch) => batch.indices.length),
      [3, 3, 3],
    );
    const seen = first.flatMap((batch) => batch.indices);
    assert.deepEqual(
      seen.toSorted((a, b) => a - b),
      Array.from({ length: count }, (_, i) => i),
    );
    assert.notDeepEqual(
      seen.slice(0, 9),
      second.flatMap((batch) => batch.indices),
    );
    assert.deepEqual(
      first.flatMap((batch) => batch.ids),
      seen.map((i) => dataset.samples[i]!.id),
    );
    for (const { image, label, size, indices, mirrored } of first) {
      assert.deepEqual(size, { height: 8, width: 14 });
      assert.equal(image.length, indices.length * 3 * 8 * 14);
      assert.equal(label.length, indices.length * 8 * 14);
      assert.equal(mirrored.length, indices.length);
      assert.ok(label.every((trainId) => trainId < 19 || trainId === 255));
    }
    const mirrored = first.flatMap((batch) => batch.mirrored);
    assert.ok(mirrored.includes(true) && mirrored.includes(false), "at one half, eleven draws hold both");
  });

  test("the same bytes with 0, 1 and 3 threads, and with any prefetch", async () => {
    const inline = await collect({ dataset, batchSize: 2, workers: 0 }, 4);
    assert.deepEqual(await collect({ dataset, batchSize: 2, workers: 1, prefetch: 1 }, 4), inline);
    assert.deepEqual(await collect({ dataset, batchSize: 2, workers: 3, prefetch: 9 }, 4), inline);
  });

  test("a batch is its samples one after the other", async () => {
    const [whole] = await collect({ dataset, batchSize: 5, workers: 1 }, 2);
    const single = (await collect({ dataset, batchSize: 1, workers: 1 }, 2)).slice(0, 5);
    assert.deepEqual(
      [...whole!.image],
      single.flatMap((batch) => [...batch.image]),
    );
    assert.deepEqual(
      [...whole!.label],
      single.flatMap((batch) => [...batch.label]),
    );
    assert.deepEqual(
      whole!.mirrored,
      single.flatMap((batch) => batch.mirrored),
    );
    assert.equal(new Set(single.map((batch) => batch.image.join())).size, 5);
  });

  test("another seed or epoch gives other pictures of the same sample", async () => {
    const [a, b] = await Promise.all([0, 1].map((epoch) => collect({ dataset, batchSize: count, workers: 1 }, epoch)));
    const area = 3 * 8 * 14;
    const pictureOf = ([batch]: Batch[], index: number): Float32Array => {
      const at = batch!.indices.indexOf(index);
      return batch!.image.slice(at * area, (at + 1) * area);
    };
    for (let index = 0; index < count; index++) assert.notDeepEqual(pictureOf(a!, index), pictureOf(b!, index));
  });

  test("skipped batches leave the following ones as they were", async () => {
    const whole = await collect({ dataset, batchSize: 2, workers: 2 }, 3);
    assert.deepEqual(await collect({ dataset, batchSize: 2, workers: 2 }, 3, 4), whole.slice(4));
    assert.deepEqual(await collect({ dataset, batchSize: 2, workers: 0 }, 3, 6), []);
  });

  test("leaving the loop early neither hangs nor spoils the next loop", async () => {
    await using loader = new DataLoader({ dataset, recipe, batchSize: 1, mode: "training", seed: 5, workers: 2 });
    for (let round = 0; round < 5; round++) for await (const _ of loader.epoch(round)) break;
    const batches: Batch[] = [];
    for await (const batch of loader.epoch(7)) batches.push(batch);
    assert.deepEqual(batches, await collect({ dataset, batchSize: 1, workers: 0 }, 7));
  });

  test("two loops at once get each their own batches", async () => {
    await using loader = new DataLoader({ dataset, recipe, batchSize: 2, mode: "training", seed: 5, workers: 2 });
    const [a, b] = [loader.epoch(0), loader.epoch(1)];
    for (let i = 0; i < loader.numBatches; i++) {
      const [x, y] = await Promise.all([a.next(), b.next()]);
      assert.deepEqual((x.value as Batch).indices, loader.order(0).slice(2 * i, 2 * i + 2));
      assert.deepEqual((y.value as Batch).indices, loader.order(1).slice(2 * i, 2 * i + 2));
    }
  });

  test("evaluation keeps the order and brings each label at its own size", async () => {
    const plain: TransformRecipe = { ...recipe, scale: null, crop: null, mirror: 0, jitter: null };
    await using loader = new DataLoader({
      dataset,
      recipe: plain,
      batchSize: 4,
      mode: "evaluation",
      seed: 0,
      workers: 2,
    });
    const batches: Batch[] = [];
    for await (const batch of loader.epoch(0)) batches.push(batch);
    assert.deepEqual(
      batches.flatMap((batch) => batch.indices),
      Array.from({ length: count }, (_, i) => i),
    );
    const native = batches.flatMap((batch) => batch.native!);
    assert.deepEqual(
      native.map((map) => map.size),
      Array.from({ length: count }, (_, i) => ({ height: 18 + (i % 3), width: 30 + i })),
    );
    assert.ok(native.every((map) => map.data.length === map.size.height * map.size.width));
    assert.deepEqual([...native[1]!.data.subarray(0, 7)], [0, 1, 2, 10, 8, 255, 18]);
  });

  test("a bad file is a Problem naming it, when its batch is due", async (t) => {
    const own = await temporaryFolder(t);
    await putCityscapes(own, "train", 6);
    const bad = await openDataset({ kind: "cityscapes", root: own, split: "train" });
    await truncate(bad.samples[3]!.imagePath, 900);
    for (const workers of [0, 2]) {
      const options = { dataset: bad, recipe, batchSize: 1, mode: "evaluation" as const, seed: 0, workers };
      await using loader = new DataLoader(options);
      let good = 0;
      await assert.rejects(
        async () => {
          for await (const _ of loader.epoch(0)) good++;
        },
        (error) => {
          assert.ok(error instanceof Problem);
          assert.match(
            error.message,
            /^picture ".*ulm_000003_000019_leftImg8bit\.png": found 900 bytes that cannot be decoded/,
          );
          assert.equal(error.parts.expected, "a whole PNG, JPEG, WebP or TIFF picture");
          return true;
        },
      );
      assert.equal(good, 3);
      for await (const batch of loader.epoch(0, { skip: 4 })) assert.equal(batch.indices.length, 1);
    }
  });

  test("memory used again changes no number; a batch from before is empty then, or written over", async () => {
    for (const workers of [0, 1, 2])
      for (const batchSize of [1, 4]) {
        const options = { dataset, recipe, batchSize, mode: "training", seed: 6, workers, prefetch: 1 } as const;
        await using loader = new DataLoader(options);
        const fresh: Float32Array[] = [];
        for await (const { image } of loader.epoch(3)) fresh.push(image);
        const kept: Float32Array[] = [];
        const buffers = new Set<ArrayBufferLike>();
        for await (const { image } of loader.epoch(3, { reuse: true })) {
          assert.deepEqual(image, fresh[kept.length]);
          kept.push(image);
          buffers.add(image.buffer);
        }
        assert.equal(kept.length, fresh.length);
        if (workers > 0) assert.ok(kept.filter(({ length }) => length === 0).length > 0, "handed over to the threads");
        else assert.ok(buffers.size < fresh.length, "the same memory");
      }
  });

  test("a closed loader says so", async () => {
    for (const workers of [0, 1]) {
      const loader = new DataLoader({ dataset, recipe, batchSize: 1, mode: "training", seed: 5, workers });
      await loader.close();
      await assert.rejects(loader.epoch(0).next(), /loader: found it has been closed/);
      await loader.close();
    }
  });

  test("options that cannot be are refused by name", () => {
    const base = { dataset, recipe, batchSize: 2, mode: "training", seed: 0, workers: 0 } as const;
    assert.throws(() => new DataLoader({ ...base, batchSize: 0 }), /loader batch size: found 0/);
    assert.throws(() => new DataLoader({ ...base, recipe: { ...recipe, crop: null } }), /transform "crop": found null/);
    assert.throws(() => new DataLoader({ ...base, batchSize: 99, dropLast: true }), /found 11 samples, expected 99/);
    const { labelPath: _, ...bare } = dataset.samples[2]!;
    const half = { ...dataset, samples: [...dataset.samples.slice(0, 2), bare] };
    assert.throws(() => new DataLoader({ ...base, dataset: half }), /1 of 3 pictures without a label: ".*ulm_000002/);
  });

  test("pictures that differ in size after the transforms are refused, both sizes named", async () => {
    const free: TransformRecipe = { size: null, scale: null, crop: null, mirror: 0, jitter: null };
    await using loader = new DataLoader({
      dataset,
      recipe: free,
      batchSize: 2,
      mode: "evaluation",
      seed: 0,
      workers: 1,
    });
    await assert.rejects(
      loader.epoch(0).next(),
      /30×18 \(width×height\) and 31×19 \(width×height\), expected one size/,
    );
  });

  test("a smaller draw is part of a larger one", () => {
    for (let seed = 0; seed < 20; seed++) {
      const drawn = Array.from({ length: 11 }, (_, i) => draw(dataset, i + 1, seed));
      for (const [i, fewer] of drawn.entries()) {
        assert.equal(new Set(fewer.samples).size, i + 1);
        assert.ok(fewer.samples.every((sample) => (drawn[i + 1] ?? dataset).samples.includes(sample)));
        assert.deepEqual(fewer.drawn, { of: 11, seed });
      }
    }
    assert.notDeepEqual(draw(dataset, 3, 10).samples, draw(dataset, 3, 9).samples);
    assert.throws(() => draw(dataset, 12, 9), /found 12, expected 1 to 11/);
  });

  test("no libtorch in the process that loads", () => {
    const report = process.report.getReport() as unknown as { sharedObjects: string[] };
    assert.ok(
      report.sharedObjects.some((file) => file.includes("vips")),
      "the list is the real one",
    );
    assert.deepEqual(
      report.sharedObjects.filter((file) => /torch|c10/.test(path.basename(file))),
      [],
    );
  });
});
