import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import { Generator, openCheckpoint, randn, scope, type Tensor } from "@adsam/torch";
import { chooseCompute } from "../src/compute.js";
import type { Batch } from "../src/data/batch.js";
import type { HybridOptions } from "../src/losses/hybrid.js";
import { Learner } from "../src/train/learner.js";
import { buildNetwork, networkOf } from "../src/train/network.js";
import { freezeUnmoved, learningRate, parameterGroups } from "../src/train/optimiser.js";
import { paperRecipe, type Recipe } from "../src/train/recipe.js";
import { noiseBytes } from "./data-fixtures.js";
import { assertSameRun, eventsNamed, folderForTests, sceneFolder, tinyRecipe, train } from "./train-fixtures.js";

const root = folderForTests("train");
const out = (name: string) => path.join(root, name);
const recipe = (name: string, flags: Record<string, unknown> = {}): Recipe =>
  tinyRecipe({ "data.root": path.join(root, "data"), "run.out": out(name), ...flags });

before(() => sceneFolder(root));

describe("the learning rate", () => {
  const rate = (flags: Record<string, unknown>, stepsPerEpoch: number) =>
    learningRate({ ...paperRecipe(), ...pick(tinyRecipe({ "optim.warmupSteps": 0, ...flags })) }, stepsPerEpoch);
  const pick = ({ optim, train }: Recipe) => ({ optim, train });
  const near = (actual: number, expected: number) =>
    assert.ok(Math.abs(actual - expected) < 1e-12, `${actual}, expected ${expected}`);

  test("is the paper's cosine by epoch: PyTorch's CosineAnnealingLR(T_max=100, eta_min=1e-6) from 2e-4", () => {
    const paper = learningRate(paperRecipe(), 10);
    // [lr for each epoch], by torch.optim.lr_scheduler.CosineAnnealingLR
    for (const [epoch, expected] of [
      [0, 2e-4],
      [1, 0.0001999509027563903],
      [25, 0.0001708571247280615],
      [50, 0.0001005],
      [99, 1.0490972436097e-6],
    ] as const)
      for (const step of [10 * epoch, 10 * epoch + 9]) near(paper(step, 2e-4), expected);
  });

  test("falls with the share of its minutes that is over, whatever the step", () => {
    const at = rate({ "train.minutes": 20, "train.epochs": 3, "optim.minLr": 0 }, 4);
    for (const [share, expected] of [
      [0, 8],
      [0.5, 4],
      [1, 0],
      [1.2, 0],
    ] as const)
      for (const step of [0, 7, 1000]) near(at(step, 8, share), expected);
  });

  test("rises over the warm-up from its first part, then follows the schedule by step", () => {
    const at = rate({ "optim.warmupSteps": 4, "optim.by": "step", "train.epochs": 3, "optim.minLr": 0 }, 4);
    const rates = Array.from({ length: 12 }, (_, step) => at(step, 8));
    assert.deepEqual(rates.slice(0, 4), [2, 4, 6, 8]);
    near(rates[4]!, 8);
    near(rates[8]!, 4); // half of the eight steps that are left
    near(rates[11]!, 4 * (1 + Math.cos((7 * Math.PI) / 8)));
  });

  test("polynomial and constant", () => {
    const poly = rate({ "optim.schedule": "poly", "optim.polyPower": 2, "optim.by": "step", "train.epochs": 2 }, 5);
    near(poly(5, 1), 0.25);
    const constant = rate({ "optim.schedule": "constant" }, 5);
    near(constant(9, 0.3), 0.3);
  });

  test("a group whose peak lies beneath the least rate stays at its peak", () => {
    const at = rate({ "optim.minLr": 1e-4, "optim.by": "step" }, 5);
    for (const step of [0, 3, 9]) near(at(step, 1e-5), 1e-5);
  });
});

describe("parameter groups", () => {
  test("are the paper's: decoder and fusion at the rate, ResNet at a tenth, a frozen encoder in none", () => {
    using network = networkOf(recipe("unused", { "model.encoderTrained": false }), classes(19));
    const groups = parameterGroups(network, paperRecipe());
    assert.deepEqual(
      groups.map(({ name, lr }) => [name, lr]),
      [
        ["decoder", 2e-4],
        ["resnet", 2e-5],
      ],
    );
    const grouped = new Set(groups.flatMap(({ params }) => params));
    for (const [name, tensor] of network.namedParameters())
      assert.equal(grouped.has(tensor), !name.startsWith("sam_encoder."), name);
  });

  test("of offsets stand apart where these have a rate of their own", () => {
    for (const decoder of ["deformable-convolution", "deformable-attention"]) {
      const own = recipe("unused", { "model.decoder": decoder, "optim.lr": 1e-3, "optim.offsetLrFactor": 0.1 });
      using network = networkOf(own, classes(19));
      const offsets = parameterGroups(network, own).find(({ name }) => name === "offsets")!;
      assert.ok(Math.abs(offsets.lr - 1e-4) < 1e-15);
      const named = [...network.namedParameters()].filter(([, tensor]) => offsets.params.includes(tensor));
      assert.equal(named.length, offsets.params.length);
      assert.ok(named.length >= 6, `${named.length}`);
      for (const [name] of named) assert.match(name, /offset/);
    }
  });

  test("of a rate of 0 are frozen: no gradients are computed for them", () => {
    using network = networkOf(recipe("unused"), classes(19));
    const still = recipe("unused", { "optim.resnetLrFactor": 0 });
    freezeUnmoved(network, still);
    assert.deepEqual(
      parameterGroups(network, still).map(({ name }) => name),
      ["decoder", "encoder"],
    );
    for (const [name, tensor] of network.namedParameters())
      assert.equal(tensor.requiresGrad, !name.startsWith("resnet_encoder."), name);
  });
});

describe("accumulated gradients", () => {
  test("of two batches are those of one batch of both, where each term is a mean over pictures of as many pixels", () => {
    const loss: HybridOptions = { focal: 1, dice: 1, lovasz: 1, surface: 1 };
    const flags = Object.fromEntries(Object.entries(loss).map(([name, value]) => [`loss.${name}`, value]));
    const together = gradients(recipe("unused", { ...flags, "optim.clipNorm": null }), [batchOf(4, [0, 1, 2, 3])]);
    const parts = [batchOf(4, [0, 1]), batchOf(4, [2, 3])];
    const apart = gradients(recipe("unused", { ...flags, "optim.clipNorm": null }), parts);
    assert.equal(together.size, apart.size);
    for (const [name, whole] of together) {
      const half = apart.get(name)!;
      const scale = whole.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
      const off = whole.reduce((most, value, i) => Math.max(most, Math.abs(value - half[i]!)), 0);
      assert.ok(off <= 2e-4 * scale, `${name}: off by ${off} of ${scale}`);
    }
  });
});

/** Gradients of every trained parameter after these batches, as one step's. */
function gradients(of: Recipe, batches: readonly Batch[]): Map<string, Float32Array> {
  Generator.default().seed(7);
  using network = networkOf(of, classes(4)).train();
  using learner = new Learner(network, of, { device: "cpu", precision: "float32" }, { stepsPerEpoch: 1 });
  for (const batch of batches) learner.accumulate(batch, batches.length);
  return scope(
    () =>
      new Map(
        [...network.namedParameters()].flatMap(([name, tensor]) =>
          tensor.grad ? [[name, tensor.grad.toArray() as Float32Array]] : [],
        ),
      ),
  );
}

/** Pictures of noise whose label is the half they lie in: the same picture for the same number. */
function batchOf(numClasses: number, pictures: readonly number[], size = { height: 64, width: 96 }): Batch {
  const cells = size.height * size.width;
  const image = new Float32Array(pictures.length * 3 * cells);
  const label = new Uint8Array(pictures.length * cells);
  for (const [place, picture] of pictures.entries()) {
    const noise = noiseBytes(`picture ${picture}`, 3 * cells);
    for (let i = 0; i < 3 * cells; i++) {
      const [y, x] = [Math.floor((i % cells) / size.width), i % size.width];
      const id = (3 * y < size.height + 8 * picture ? 0 : 2) + (2 * x < size.width ? 0 : 1);
      image[place * 3 * cells + i] = noise[i]! / 256 - 0.5 + (id === Math.floor(i / cells) ? 1.5 : 0);
      if (i < cells) label[place * cells + i] = i % 97 === 0 ? 255 : id % numClasses;
    }
  }
  const ids = pictures.map((picture) => `picture ${picture}`);
  return { image, label, size, ids, indices: [...pictures], mirrored: pictures.map(() => false) };
}

const classes = (count: number) => ({
  names: Array.from({ length: count }, (_, i) => `class ${i}`),
  colours: Array.from({ length: count }, (_, i) => [i, i, i] as const),
  ignoreIndex: 255 as const,
});

describe("every ablation builds and learns: twenty steps on one batch lower its loss", () => {
  const ablations: Record<string, Record<string, unknown>> = {
    "the paper's decoder": {},
    "the authors' decoder": { "model.decoder": "deformable-convolution" },
    "no deformable layers": { "model.deformable": false },
    "no deformable layers, the authors' decoder": {
      "model.deformable": false,
      "model.decoder": "deformable-convolution",
    },
    "no channel attention": { "model.channelAttention": false },
    "SAM's encoder alone, frozen": { "model.resnet": "none", "model.encoderTrained": false },
    "SAM's encoder alone, the authors' decoder": { "model.resnet": "none", "model.decoder": "deformable-convolution" },
    "ResNet alone": { "model.encoder": "none", "model.encoderTrained": false },
    "cross-entropy alone": {
      "loss.focal": 0,
      "loss.dice": 0,
      "loss.lovasz": 0,
      "loss.surface": 0,
      "loss.crossEntropy": 1,
    },
    SGD: { "optim.name": "sgd", "optim.lr": 0.05, "optim.resnetLrFactor": 1 },
    Muon: { "optim.name": "muon" },
    "batch statistics not frozen": { "model.frozenBatchNorm": false },
    bfloat16: { "run.precision": "bfloat16" },
  };
  for (const [name, flags] of Object.entries(ablations))
    test(name, () => {
      const of = recipe("unused", { "optim.warmupSteps": 0, "optim.schedule": "constant", ...flags });
      Generator.default().seed(1);
      using network = networkOf(of, classes(4)).train();
      using learner = new Learner(network, of, chooseCompute(of.run), { stepsPerEpoch: 20 });
      const batch = batchOf(4, [0, 1], { height: 32, width: 64 });
      const losses: number[] = [];
      for (let step = 0; step < 20; step++) {
        learner.setRates(step);
        const { total, ...parts } = learner.accumulate(batch, 1).value;
        losses.push(total);
        const { focal, dice, lovasz, surface, crossEntropy } = of.loss;
        const weighted = Object.entries({ focal, dice, lovasz, surface, crossEntropy }).filter(
          ([, weight]) => weight > 0,
        );
        assert.deepEqual(
          Object.keys(parts),
          weighted.map(([term]) => term),
          "terms of weight 0 are not computed",
        );
        assert.ok(Math.abs(total - weighted.reduce((sum, [term, weight]) => sum + weight * parts[term]!, 0)) < 1e-5);
        assert.equal(learner.step().value.givenUp, false);
      }
      assert.ok(losses.at(-1)! < 0.93 * losses[0]!, `${losses[0]} → ${losses.at(-1)}`);
    });
});

describe("a frozen encoder", () => {
  test("has no gradients and keeps its weights; it travels in the checkpoint unless it came from a file", async () => {
    const frozen = { "model.encoderTrained": false, "train.epochs": 1, "data.limitTrain": 4, "data.limitVal": 1 };
    const own = recipe("frozen", frozen);
    const { events } = await train(own);
    const [start] = eventsNamed(events, "runStarted");
    const first = scope(() => {
      Generator.default().seed(own.run.seed);
      using network = buildNetwork(own, classes(19));
      const state = network.stateDict();
      const inEncoder = [...state].filter(([name]) => name.startsWith("sam_encoder."));
      assert.equal(
        start!.parameters.frozen,
        inEncoder.reduce((sum, [, tensor]) => sum + tensor.numel, 0),
      );
      return new Map(inEncoder.map(([name, tensor]) => [name, tensor.toArray()]));
    });
    assert.ok(first.size > 10);
    scope(() => {
      const { model } = Object.fromEntries(
        openCheckpoint(path.join(out("frozen"), "best.pth")).tree as Map<string, Tensor>,
      );
      const weights = model as unknown as Map<string, Tensor>;
      for (const [name, values] of first) assert.deepEqual(weights.get(name)!.toArray(), values, name);
    });
    const published = recipe("published", { ...frozen, "model.encoderWeights": await publishedEncoder() });
    await train(published);
    scope(() => {
      const names = [...modelOf(path.join(out("published"), "best.pth")).keys()];
      assert.ok(names.length > 50 && names.every((name) => !name.startsWith("sam_encoder.")));
    });
    const again = recipe("published", {
      ...frozen,
      "model.encoderWeights": published.model.encoderWeights,
      "train.epochs": 2,
    });
    const { result } = await train(again, { resume: true });
    assert.equal(result.progress.epoch, 2);
  });
});

const modelOf = (file: string) =>
  (openCheckpoint(file).tree as Map<string, unknown>).get("model") as Map<string, Tensor>;

/** An encoder under the names of SAM's release, beside parts of SAM that are not its own. */
async function publishedEncoder(): Promise<string> {
  const { saveCheckpoint } = await import("@adsam/torch");
  const file = path.join(root, "sam_nano.pth");
  scope(() => {
    Generator.default().seed(99);
    using network = networkOf(recipe("unused"), classes(19));
    const state = [...network.stateDict()].filter(([name]) => name.startsWith("sam_encoder."));
    const named = state.map(([name, tensor]) => [name.replace("sam_encoder.", "image_encoder."), tensor] as const);
    saveCheckpoint(
      file,
      new Map([...named, ["mask_decoder.iou_token.weight", randn([1, 8])], ["prompt_encoder.x", randn([2])]]),
    );
  });
  return file;
}

describe("a run", () => {
  const small = { "data.limitTrain": 4, "data.limitVal": 2 };

  test("stopped in its validation is saved as before it, and validates anew when resumed", async () => {
    await train(recipe("whole", small));
    const stop = new AbortController();
    const first = await train(recipe("stopped", small), { signal: stop.signal }, ({ name }) => {
      if (name === "sampleSaved") stop.abort();
    });
    assert.equal(first.result.reason, "stopped");
    assert.deepEqual(
      [first.result.progress.epoch, first.result.progress.batches, first.result.best],
      [0, 2, undefined],
    );
    const second = await train(recipe("stopped", small), { resume: true });
    assert.equal(second.result.reason, "finished");
    assert.equal(eventsNamed(second.events, "stepFinished").length, 2);
    assertSameRun(out("stopped"), out("whole"));
  });

  test("hears Ctrl-C within a step where batches always lie ready, and goes on from there", async () => {
    const single = { "train.batchSize": 1, "optim.accumulate": 1, "train.epochs": 1 };
    const [stop, blocked] = [new AbortController(), new Int32Array(new SharedArrayBuffer(4))];
    const first = await train(recipe("asked", single), { signal: stop.signal }, ({ name, event }) => {
      if (name !== "stepFinished") return;
      if ((event as { step: number }).step === 3) setImmediate(() => stop.abort()); // as a signal's handler: when events are heard
      Atomics.wait(blocked, 0, 0, 100); // a slow step, so that the next batch is there before it
    });
    assert.equal(first.result.reason, "stopped");
    assert.ok(first.result.progress.batches <= 4, `${first.result.progress.batches} of 11 batches`);
    const { result, events } = await train(recipe("asked", single), { resume: true });
    assert.equal(result.reason, "finished");
    assert.equal(eventsNamed(events, "stepFinished").length, 11 - first.result.progress.batches);
  });

  test("tells which pictures it learned from: fewer lie within more of the same seed, whatever the run's own", async () => {
    const learned = async (name: string, flags: Record<string, unknown>) => {
      const once = { ...small, "train.epochs": 1, "train.valEvery": 9, ...flags };
      const { events } = await train(recipe(name, once));
      const [start] = eventsNamed(events, "runStarted");
      return { told: start!.trainSubset, file: path.join(out(name), "subset.json") };
    };
    const written = (file: string) => JSON.parse(readFileSync(file, "utf8"));
    const two = await learned("two", { "data.limitTrain": 2, "data.limitSeed": 7, "run.seed": 1 });
    const five = await learned("five", { "data.limitTrain": 5, "data.limitSeed": 7, "run.seed": 2 });
    const own = await learned("own seed", { "data.limitTrain": 5, "run.seed": 2 });
    const whole = await learned("all of it", { "data.limitTrain": 11 });
    const { pictures, ...rest } = written(five.file);
    assert.deepEqual(rest, five.told);
    const { fingerprint, ...terms } = five.told!;
    assert.deepEqual(terms, { size: 5, of: 11, seed: 7 });
    assert.match(fingerprint, /^[0-9a-f]{12}$/);
    assert.equal(pictures.length, 5);
    for (const id of written(two.file).pictures) assert.ok(pictures.includes(id), id);
    assert.equal(own.told!.seed, 2);
    assert.notEqual(own.told!.fingerprint, fingerprint);
    assert.deepEqual([whole.told, existsSync(whole.file)], [null, false]);
  });

  test("out of time ends after its step, and goes on when it is given more", async () => {
    const first = await train(recipe("timed", { ...small, "train.stopAfterMinutes": 1e-6 }));
    assert.deepEqual([first.result.reason, first.result.progress.step], ["out of time", 1]);
    assert.ok(existsSync(first.result.last));
    const { result } = await train(recipe("timed", small), { resume: true });
    assert.equal(result.reason, "finished");
    assertSameRun(out("timed"), out("whole"));
  });

  test("pictures grow from epoch to epoch, and a run that is stopped goes on at the size it was at", async () => {
    const growing = { ...small, "augment.grow": { from: 0.5, until: 1 } };
    await train(recipe("growing", growing));
    await train(recipe("growing again", { ...growing, "train.stopAfterMinutes": 1e-6 }));
    await train(recipe("growing again", growing), { resume: true });
    assertSameRun(out("growing again"), out("growing"));
    assert.notDeepEqual(
      readFileSync(path.join(out("growing"), "last.pth")),
      readFileSync(path.join(out("whole"), "last.pth")),
    );
  });

  test("is validated when so many minutes are over, and at its end, whatever the epochs between", async () => {
    const validated = async (minutes: number) => {
      const flags = { ...small, "train.epochs": 3, "train.valEvery": 2, "train.valEveryMinutes": minutes };
      const { events } = await train(recipe(`validated every ${minutes}`, flags));
      return eventsNamed(events, "validationFinished").map(({ epoch }) => epoch);
    };
    assert.deepEqual(await validated(1e-6), [1, 2, 3]);
    assert.deepEqual(await validated(60), [3]);
  });

  test("that grows is validated on pictures as large as those it learns from, and at its end on whole ones", async () => {
    const grow = { from: 0.5, until: 1 };
    const flags = {
      ...small,
      "train.epochs": 2,
      "train.valEvery": 1,
      "train.samples": 1,
      "train.valResolution": "network",
    };
    const { events } = await train(recipe("validated while it grows", { ...flags, "augment.grow": grow }));
    const [early, last] = eventsNamed(events, "sampleSaved").map(({ size }) => size);
    const { height, width } = recipe("its size", small).input;
    assert.deepEqual([height, width], [64, 96]);
    assert.deepEqual(early, { height: 32, width: 64 }, "half of it, in whole 32s");
    assert.deepEqual(last, { height, width });
  });

  test("by minutes ends when they are over, whatever its epochs, and with a validation", async () => {
    const flags = { ...small, "optim.warmupSteps": 0, "train.epochs": 1, "train.valEvery": 1000 };
    const day = { ...flags, "train.minutes": 1440, "train.stopAfterMinutes": 1e-6 };
    const begun = await train(recipe("minutes", day));
    assert.deepEqual([begun.result.reason, begun.result.progress.step], ["out of time", 1]);
    const spent = begun.result.progress.seconds / 60;
    const budget = spent + 1 / 60; // a second more
    const given = { ...flags, "train.minutes": budget };
    const { result, events } = await train(recipe("minutes", given), { resume: true });
    assert.equal(result.reason, "finished");
    assert.ok(spent > 0 && result.progress.seconds >= 60 * budget);
    const [started] = eventsNamed(events, "runStarted");
    assert.deepEqual([started!.epochs, started!.minutes], [null, { budget, spent }]);
    const rates = eventsNamed(events, "stepFinished").map(({ learningRates }) => learningRates.decoder!);
    const peak = recipe("unused", flags).optim.lr;
    assert.ok(
      rates.length > 0 && rates.every((rate, i) => rate < peak && rate <= (rates[i - 1] ?? peak)),
      "never rises",
    );
    const validated = eventsNamed(events, "epochFinished").map(({ validation }) => validation !== null);
    assert.equal(validated.indexOf(true), validated.length - 1);
    const again = await train(recipe("minutes", given), { resume: true });
    assert.deepEqual([again.result.reason, eventsNamed(again.events, "stepFinished").length], ["finished", 0]);
  });

  test("that is finished has nothing left to resume, and changes nothing", async () => {
    const before = readFileSync(path.join(out("whole"), "last.pth"));
    const { result, events } = await train(recipe("whole", small), { resume: true });
    assert.deepEqual(
      [result.reason, result.progress.epoch, eventsNamed(events, "stepFinished").length],
      ["finished", 2, 0],
    );
    assert.ok(before.equals(readFileSync(path.join(out("whole"), "last.pth"))));
  });

  test("validates every so many epochs and after the last, and keeps the best", async () => {
    const { events, result } = await train(recipe("seldom", { ...small, "train.epochs": 3, "train.valEvery": 2 }));
    const scores = eventsNamed(events, "validationFinished");
    assert.deepEqual(
      scores.map(({ epoch }) => epoch),
      [2, 3],
    );
    assert.deepEqual(
      eventsNamed(events, "epochFinished").map(({ validation }) => validation !== null),
      [false, true, true],
    );
    const best = Math.max(...scores.map(({ mIoU }) => mIoU!));
    assert.equal(result.progress.best!.mIoU, best);
  });
});
