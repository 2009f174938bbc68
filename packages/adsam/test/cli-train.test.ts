import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { before, describe, test } from "node:test";
import sharp from "sharp";
import { parse } from "yaml";
import { readCsvLog } from "../src/train/csv-log.js";
import { resolveRecipe } from "../src/train/recipe.js";
import { adsam, assertSameRun, folderForTests, sceneFolder, tinyFlags, tinyWords } from "./train-fixtures.js";

const root = folderForTests("cli-train");
const out = (name: string) => path.join(root, name);
const flags = { "model.resnet": "none", "data.limitVal": 2, "optim.accumulate": 1 };
const words = (name: string, more: Record<string, unknown> = {}) =>
  tinyWords({ ...flags, "data.root": path.join(root, "data"), "run.out": out(name), ...more });
let events: { event: string; [key: string]: unknown }[];

before(async () => {
  await sceneFolder(root);
  const { status, stdout, stderr } = await adsam(["train", "--json", ...words("run")]);
  assert.deepEqual([status, stderr], [0, ""]);
  events = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
});

describe("adsam train", () => {
  test("--json: one event a line, in the order of the run", () => {
    const named = events.map(({ event }) => event);
    const step = "stepFinished";
    const steps = Array.from({ length: 5 }, () => step); // 11 pictures, batches of 2
    const isBest = events.filter(({ event }) => event === "validationFinished").map(({ best }) => best);
    const epoch = (best: unknown) => [
      ...steps,
      "checkpointSaved",
      "sampleSaved",
      "validationFinished",
      ...(best ? ["checkpointSaved"] : []),
      "epochFinished",
      "checkpointSaved",
    ];
    assert.deepEqual(named, ["runStarted", ...isBest.flatMap(epoch), "runFinished"]);
    assert.equal(isBest[0], true);
    const [start] = events;
    assert.equal(start!.device, "cpu, 1 thread");
    assert.deepEqual(
      [start!.trainPictures, start!.valPictures, start!.stepsPerEpoch, start!.precision],
      [11, 2, 5, "float32"],
    );
    for (const { learningRates, gradNorm, pictures } of events.filter(({ event }) => event === step)) {
      assert.deepEqual(Object.keys(learningRates as object), ["decoder", "encoder"]);
      assert.ok((gradNorm as number) > 0);
      assert.equal(pictures, 2);
    }
  });

  test("log.csv has a row an epoch, with the values of the events", () => {
    const rows = readCsvLog(path.join(out("run"), "log.csv"));
    const epochs = events.filter(({ event }) => event === "epochFinished");
    assert.equal(rows.length, 2);
    const terms = ["loss.focal", "loss.dice", "loss.lovasz", "loss.surface"];
    const classes = (events[0]!.classes as { names: string[] }).names.map((name) => `iou.${name}`);
    assert.deepEqual(Object.keys(rows[0]!), [
      "epoch",
      "step",
      "lr.decoder",
      "lr.encoder",
      "loss",
      ...terms,
      "valMIoU",
      "valPixelAccuracy",
      ...classes,
      "seconds",
      "runSeconds",
      "picturesPerSecond",
      "rssMB",
    ]);
    for (const [i, row] of rows.entries()) {
      const { epoch, step, loss, validation } = epochs[i] as unknown as {
        epoch: number;
        step: number;
        loss: number;
        validation: { mIoU: number; perClassIoU: (number | null)[] };
      };
      assert.deepEqual([row.epoch, row.step, row.loss, row.valMIoU], [epoch, step, loss, validation.mIoU]);
      assert.ok(
        Math.abs(
          0.4 * row["loss.focal"]! +
            0.3 * row["loss.dice"]! +
            0.2 * row["loss.lovasz"]! +
            0.1 * row["loss.surface"]! -
            row.loss!,
        ) < 1e-6,
      );
      assert.deepEqual(
        classes.map((column) => row[column]),
        validation.perClassIoU,
      );
      assert.ok(validation.perClassIoU.includes(null), "a class that occurs nowhere is an empty cell");
    }
    const losses = events
      .filter(({ event, epoch }) => event === "stepFinished" && epoch === 1)
      .map(({ loss }) => loss as number);
    assert.ok(Math.abs(losses.reduce((sum, loss) => sum + loss, 0) / 5 - rows[0]!.loss!) < 1e-12);
  });

  test("the folder holds checkpoints, recipe, log, TensorBoard's file and samples, nothing else", async () => {
    assert.deepEqual(readdirSync(out("run")).sort(), [
      "best.pth",
      "last.pth",
      "log.csv",
      "recipe.yaml",
      "samples",
      "tensorboard",
    ]);
    assert.equal(readdirSync(path.join(out("run"), "tensorboard")).length, 1);
    const sample = path.join(out("run"), "samples", "ulm_ulm_000000_000019", "epoch-002.png");
    const { width, height } = await sharp(sample).metadata();
    assert.deepEqual([width, height], [72, 40]);
  });

  test("TensorBoard's file carries every curve and the sample, in whole records", () => {
    const folder = path.join(out("run"), "tensorboard");
    const bytes = readFileSync(path.join(folder, readdirSync(folder)[0]!));
    const tags = new Set<string>();
    let at = 0;
    while (at < bytes.length) {
      const length = Number(bytes.readBigUInt64LE(at));
      const record = bytes.subarray(at + 12, at + 12 + length).toString("latin1");
      for (const [tag] of record.matchAll(/(?:step|epoch|validation|run|samples)\/[a-zA-Z_ 0-9/]+/g)) tags.add(tag);
      at += 16 + length;
    }
    assert.equal(at, bytes.length);
    for (const tag of [
      "step/loss",
      "step/learning rate/decoder",
      "step/gradient norm",
      "epoch/loss",
      "validation/mIoU",
      "samples/ulm/ulm_000000_000019",
    ])
      assert.ok(
        [...tags].some((found) => found.startsWith(tag)),
        `${tag} among ${[...tags].join(", ")}`,
      );
  });

  test("recipe.yaml makes the same run again, bit for bit", async () => {
    const { status, stderr } = await adsam(["train", path.join(out("run"), "recipe.yaml"), "--out", out("again")]);
    assert.equal(status, 0, stderr);
    assertSameRun(out("again"), out("run"));
    assert.match(stderr, /^11 training and 2 validation pictures, 19 classes; /);
  });

  test("--print-recipe prints what would be trained, and begins nothing", async () => {
    const { status, stdout } = await adsam(["train", ...words("printed"), "--print-recipe"]);
    assert.equal(status, 0);
    const expected = resolveRecipe({
      flags: { ...tinyFlags, ...flags, "data.root": path.join(root, "data"), "run.out": out("printed") },
    });
    assert.deepEqual(parse(stdout), expected.recipe);
    assert.ok(!existsSync(out("printed")));
  });

  test("out of time: saved, told how to go on, and no failure", async () => {
    const { status, stdout } = await adsam(["train", ...words("timed", { "train.stopAfterMinutes": 1e-6 })]);
    assert.equal(status, 0);
    const last = path.join(out("timed"), "last.pth");
    assert.equal(
      stdout,
      `Time is up after 0 epochs, 1 batch into the next (1 step in all), saved in ${last}.\nContinue with: adsam train --resume --out ${out("timed")}\n`,
    );
  });

  test("resumed with a longer course it goes on, and takes the change from a file as from a flag", async () => {
    const file = path.join(root, "longer.yaml");
    writeFileSync(file, `run: { out: ${out("again")} }\ntrain: { epochs: 3 }\n`);
    const { status, stdout, stderr } = await adsam(["train", file, "--resume", "--json"]);
    assert.equal(status, 0, stderr);
    assert.equal(stdout.match(/"event":"epochFinished"/g)?.length, 1);
    assert.deepEqual(
      readCsvLog(path.join(out("again"), "log.csv")).map(({ epoch }) => epoch),
      [1, 2, 3],
    );
  });
});

describe("adsam eval", () => {
  test("scores a checkpoint as the run's own validation did", async () => {
    const { status, stdout, stderr } = await adsam([
      "eval",
      path.join(out("run"), "last.pth"),
      "--json",
      "--limit",
      "2",
      "--threads",
      "1",
    ]);
    assert.equal(status, 0, stderr);
    const scores = JSON.parse(stdout);
    const validation = events.findLast(({ event }) => event === "validationFinished")!;
    assert.equal(scores.mIoU, validation.mIoU);
    assert.deepEqual(
      scores.perClass.map(({ iou }: { iou: number | null }) => iou),
      validation.perClassIoU,
    );
    assert.deepEqual(
      [scores.pictures, scores.resolution, scores.dataset, scores.split],
      [2, "label", "Cityscapes", "val"],
    );
  });

  test("prints a table in which an absent class is absent", async () => {
    const { status, stdout } = await adsam(["eval", path.join(out("run"), "best.pth")]);
    assert.equal(status, 0);
    assert.match(stdout, /road/);
    assert.doesNotMatch(stdout, /NaN/);
  });

  test("on a data set of other classes: mapped, with outlines, and what is kept of the score at home", async () => {
    const folder = path.join(root, "lite");
    const { put, putLabel, putPicture } = await import("./data-fixtures.js");
    for (const [i, name] of ["a", "b", "c"].entries()) {
      await putPicture(path.join(folder, "images", `${name}.png`), { height: 20, width: 30 });
      await putLabel(path.join(folder, "labels", `${name}.png`), { height: 20, width: 30 }, [0, 0, 0, 3, 6 - i, 255]);
    }
    await put(path.join(folder, "dataset.yaml"), iddLite);
    const words = [
      "eval",
      path.join(out("run"), "best.pth"),
      "--data",
      folder,
      "--label-map",
      "auto",
      "--threads",
      "1",
    ];
    const { status, stdout, stderr } = await adsam([...words, "--boundary", "--retention", "--per-picture", "--json"]);
    assert.equal(status, 0, stderr);
    const scores = JSON.parse(stdout);
    assert.deepEqual(scores.labelMap, { map: "cityscapes-to-idd-lite", appliedTo: "predictions", leftOut: [] });
    assert.equal(scores.perClass.length, 7);
    assert.ok(scores.boundary.iou >= 0 && scores.perClass[0].boundaryF1 >= 0);
    assert.deepEqual([scores.boundary.tolerance, scores.boundary.rules.length], [null, 2]);
    assert.equal(scores.perPicture.length, 3);
    const { retention } = scores;
    assert.deepEqual(
      [retention.from, retention.pictures, retention.classes],
      ["Cityscapes", 3, ["drivable", "vehicles", "sky"]],
    );
    assert.equal(retention.value, retention.unseen / retention.trained);
    assert.ok(retention.interval.low <= retention.value && retention.value <= retention.interval.high);

    const printed = await adsam([...words, "--boundary", "3", "--retention", path.join(root, "data")]);
    assert.equal(printed.status, 0, printed.stderr);
    assert.match(printed.stdout, /class +IoU +accuracy +share +boundary F1 +boundary IoU/);
    assert.match(printed.stdout, /label map {2}cityscapes-to-idd-lite, applied to the predictions/);
    assert.match(printed.stdout, /retention +\d\.\d{3} {2}\d\.\d{3} to \d\.\d{3} \(95 %\)/);
    assert.match(printed.stdout, /within 3 pixels/);

    const back = await adsam([...words.slice(0, 4), "--label-map", "camvid-to-idd-lite"]);
    assert.equal(back.status, 1);
    assert.match(back.stderr, /label map "camvid-to-idd-lite", CamVid → IDD-Lite: found "pavement", .*no class to map/);
    const bad = await adsam([...words, "--boundary", "-1"]);
    assert.match(bad.stderr, /--boundary: found "-1", expected pixels, 0 or more/);
  });

  test("stopped while the data at home is scored: whole scores here, no retention from a part, and it says so", () => {
    // The bar of the data at home is the sign to stop: it is drawn when the first of its pictures has been scored.
    const url = (name: string) => JSON.stringify(new URL(`../src/cli/${name}.js`, import.meta.url).href);
    const words = ["eval", path.join(out("run"), "best.pth"), "--data", path.join(root, "lite"), "--label-map", "auto"];
    const program = `
      import { Writable } from "node:stream";
      import { Output } from ${url("output")};
      import { runCommandLine } from ${url("program")};
      let asked = false;
      const write = (text, _, done) => {
        process.stderr.write(text);
        if (!asked && String(text).includes("Cityscapes, val")) asked = process.emit("SIGINT");
        done();
      };
      const stderr = Object.assign(new Writable({ write }), { isTTY: true, columns: 100 });
      const words = ${JSON.stringify([...words, "--threads", "1", "--retention", "--json"])};
      process.exitCode = await runCommandLine(words, new Output({ stdout: process.stdout, stderr, env: {} }));`;
    const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
      encoding: "utf8",
    });
    assert.equal(status, 130, stderr);
    const { pictures, mIoU, retention } = JSON.parse(stdout);
    assert.deepEqual([pictures, typeof mIoU, retention], [3, "number", undefined]);
    assert.match(
      stderr,
      /stopped after 1 of 3 pictures of Cityscapes: the scores on IDD-Lite are whole, without retention/,
    );
  });

  test("refuses a data set of other classes, and a file that is no checkpoint", async () => {
    const folder = path.join(root, "own");
    const { put, putLabel, putPicture } = await import("./data-fixtures.js");
    await putPicture(path.join(folder, "images", "a.png"), { height: 20, width: 30 });
    await putLabel(path.join(folder, "labels", "a.png"), { height: 20, width: 30 }, [0, 1]);
    await put(path.join(folder, "dataset.yaml"), ownDataset);
    const other = await adsam(["eval", path.join(out("run"), "best.pth"), "--data", path.join(folder, "dataset.yaml")]);
    assert.equal(other.status, 1, other.stderr);
    assert.match(other.stderr, /found a network of 19 classes, expected 2 \(dark, light, …\)/);
    const none = await adsam(["eval", path.join(out("run"), "log.csv")]);
    assert.equal(none.status, 1);
    assert.match(none.stderr, /log\.csv/);
  });
});

const ownDataset = `images: images
labels: labels
names: [dark, light]
`;

const iddLite = `name: IDD-Lite
images: images
labels: labels
names: [drivable, non-drivable, living things, vehicles, roadside objects, far objects, sky]
`;
