import assert from "node:assert/strict";
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { Generator, saveCheckpoint } from "@adsam/torch";
import { buildEncoder } from "../src/models/encoders.js";
import { loadNetwork } from "../src/train/checkpoint.js";
import { TrainEventStream, type TrainEvents } from "../src/train/events.js";
import { startTraining } from "../src/train/start.js";
import { folderForTests, putScenes, tinyRecipe } from "./train-fixtures.js";

const folder = folderForTests("train-embeddings");
const root = join(folder, "scenes");
const encoderFile = join(folder, "encoder.pth");

before(async () => {
  await putScenes(root, "train", 6);
  await putScenes(root, "val", 2);
  Generator.default().seed(77);
  using encoder = buildEncoder("nano");
  saveCheckpoint(encoderFile, new Map([...encoder.stateDict()].map(([name, one]) => [`image_encoder.${name}`, one])));
});

/** Whole pictures under a frozen encoder: what a store can serve. */
const frozen = {
  "data.root": root,
  "model.encoderTrained": false,
  "augment.scale": null,
  "augment.crop": null,
  "augment.jitter": null,
  "augment.mirror": 0.5,
  "optim.accumulate": 1,
  "train.batchSize": 2,
  "train.epochs": 1,
};

interface Told {
  readonly losses: readonly number[];
  readonly mIoUs: readonly (number | null)[];
  readonly opened: TrainEvents["embeddingsOpened"] | undefined;
  readonly parameters: TrainEvents["runStarted"]["parameters"] | undefined;
  readonly best: string;
}

async function trained(out: string, flags: Readonly<Record<string, unknown>>): Promise<Told> {
  const events = new TrainEventStream();
  const [losses, mIoUs]: [number[], (number | null)[]] = [[], []];
  let opened: Told["opened"];
  let parameters: Told["parameters"];
  events.subscribe({
    runStarted: (event) => {
      parameters = event.parameters;
    },
    stepFinished: ({ loss }) => void losses.push(loss),
    validationFinished: ({ mIoU }) => void mIoUs.push(mIoU),
    embeddingsOpened: (event) => {
      opened = event;
    },
  });
  const recipe = tinyRecipe({ ...frozen, "run.out": join(folder, out), ...flags });
  const { best } = await startTraining(recipe, { events });
  return { losses, mIoUs, opened, parameters, best: best! };
}

const assertNear = (found: readonly number[], expected: readonly number[], tolerance: number): void => {
  assert.equal(found.length, expected.length);
  for (const [i, loss] of found.entries())
    assert.ok(
      Math.abs(loss - expected[i]!) <= tolerance * expected[i]!,
      `step ${i + 1}: ${loss} instead of ${expected[i]}`,
    );
};

for (const [from, weights] of [
  ["random weights", null],
  ["a published file", encoderFile],
] as const)
  describe(`training from a store of embeddings, encoder with ${from}`, () => {
    const name = weights === null ? "random" : "file";
    const store = join(folder, `store-${name}`);
    const flags = { "model.encoderWeights": weights };

    test("gives the losses of a live encoder within float16, fills the store, and the same bits from the full store", async () => {
      const live = await trained(`${name}-live`, { ...flags, "data.embeddings": null });
      assert.equal(live.opened, undefined);
      const filling = await trained(`${name}-filling`, { ...flags, "data.embeddings": store });
      assert.deepEqual(
        [filling.opened!.stored, filling.opened!.wanted, filling.opened!.dtype],
        [0, 6 * 2 + 2, "float16"],
      );
      assertNear(filling.losses, live.losses, 5e-3);
      assert.deepEqual(filling.parameters, live.parameters);
      const reading = await trained(`${name}-reading`, { ...flags, "data.embeddings": store });
      assert.ok(reading.opened!.stored >= 6, `${reading.opened!.stored} stored`);
      assert.deepEqual(reading.losses, filling.losses);
      assert.deepEqual(reading.mIoUs, filling.mIoUs);
      using network = loadNetwork(reading.best).network;
      assert.ok(network.samEncoder, "a saved network predicts by itself");
    });
  });

test("int8 and bfloat16 serve as well, each from a store of its own", async () => {
  const flags = { "model.encoderWeights": encoderFile, "data.embeddings": join(folder, "store-dtypes") };
  const expected = await trained("float16", flags);
  for (const dtype of ["bfloat16", "int8"] as const) {
    const told = await trained(dtype, { ...flags, "data.embeddingDtype": dtype });
    assert.deepEqual([told.opened!.dtype, told.opened!.stored], [dtype, 0]);
    assert.notDeepEqual(told.losses, expected.losses);
    assertNear(told.losses, expected.losses, 0.03);
  }
});

test("other weights never see a store's embeddings", async () => {
  const store = join(folder, "store-of-two");
  const one = await trained("seed-0", { "model.encoderWeights": encoderFile, "data.embeddings": store });
  const other = join(folder, "other.pth");
  Generator.default().seed(78);
  using encoder = buildEncoder("nano");
  saveCheckpoint(other, new Map([...encoder.stateDict()].map(([name, tensor]) => [`image_encoder.${name}`, tensor])));
  const two = await trained("seed-1", { "model.encoderWeights": other, "data.embeddings": store });
  assert.equal(two.opened!.stored, 0);
  assert.notEqual(two.opened!.folder, one.opened!.folder);
});

test("a run that crops, jitters, or trains its encoder leaves the store alone", async () => {
  const store = join(folder, "store-untouched");
  const cropping = { "augment.crop": { height: 64, width: 64 } };
  for (const flags of [cropping, { "model.encoderTrained": true }]) {
    const told = await trained("without", { ...flags, "data.embeddings": store });
    assert.equal(told.opened, undefined);
    rmSync(join(folder, "without"), { recursive: true });
  }
  assert.ok(!readdirSync(folder).includes("store-untouched"));
});

test("a run stopped half-way goes on to the same bits, whatever the store holds by then", async () => {
  const flags = { "model.encoderWeights": encoderFile, "run.seed": 4, "train.epochs": 2 };
  const whole = await trained("whole", { ...flags, "data.embeddings": join(folder, "store-whole") });
  const store = join(folder, "store-parts");
  const recipe = tinyRecipe({ ...frozen, ...flags, "run.out": join(folder, "parts"), "data.embeddings": store });
  const events = new TrainEventStream();
  const stop = new AbortController();
  const losses: number[] = [];
  events.subscribe({
    stepFinished: ({ loss, step }) => {
      losses.push(loss);
      if (step === 4) stop.abort();
    },
  });
  await startTraining(recipe, { events, signal: stop.signal });
  rmSync(store, { recursive: true }); // the store may go; the embeddings are computed again
  const rest = new TrainEventStream();
  rest.subscribe({ stepFinished: ({ loss }) => void losses.push(loss) });
  await startTraining(recipe, { events: rest, resume: true });
  assert.deepEqual(losses, whole.losses);
});
