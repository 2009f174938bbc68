import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { appendFileSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { appendWhole } from "../src/train/append-whole.js";
import { CsvLog, readCsvLog } from "../src/train/csv-log.js";
import { duration } from "../src/train/duration.js";
import { TrainEventStream, type TrainEvents } from "../src/train/events.js";
import { trainProgress } from "../src/train/progress.js";
import { paperRecipe } from "../src/train/recipe.js";
import { TensorBoardLog } from "../src/train/tensorboard.js";
import { crc32c, maskedCrc32c, tfRecord } from "../src/train/tfrecord.js";

const folder = mkdtempSync(join(tmpdir(), "adsam-events-"));

function runStarted(changes: Partial<TrainEvents["runStarted"]> = {}): TrainEvents["runStarted"] {
  return {
    out: folder,
    recipe: paperRecipe(),
    resumedEpochs: 0,
    resumedSteps: 0,
    epochs: 3,
    minutes: null,
    stepsPerEpoch: 4,
    trainPictures: 8,
    trainSubset: null,
    valPictures: 3,
    classes: {
      names: ["road", "wall, fence", "train"],
      colours: [
        [128, 64, 128],
        [102, 102, 156],
        [0, 80, 100],
      ],
      ignoreIndex: 255,
    },
    device: "cpu",
    precision: "float32",
    parameters: { trained: 26_940_000, frozen: 637_000_000 },
    ...changes,
  };
}

const validation = { mIoU: 0.5, pixelAccuracy: 0.75, perClassIoU: [0.9, 0.1, null], pictures: 3, seconds: 2 };

function epochFinished(epoch: number, changes: Partial<TrainEvents["epochFinished"]> = {}) {
  return {
    epoch,
    step: 4 * epoch,
    loss: 1 / epoch,
    lossParts: { focal: 0.25, dice: 0.5 },
    learningRates: { fusion: 2e-4, resnet: 2e-5 },
    validation,
    seconds: 12.3456,
    runSeconds: 30,
    picturesPerSecond: 0.648,
    residentBytes: 1_500_000_000,
    ...changes,
  } satisfies TrainEvents["epochFinished"];
}

function stepFinished(step: number): TrainEvents["stepFinished"] {
  const stepInEpoch = ((step - 1) % 4) + 1;
  const rest = { stepsInEpoch: 4, loss: 0.5, lossParts: { focal: 0.25 }, learningRates: { fusion: 2e-4 } };
  return { epoch: Math.ceil(step / 4), step, stepInEpoch, ...rest, pictures: 2, seconds: 0.5 };
}

describe("event stream", () => {
  test("a subscriber that fails does not silence the others, and its failure comes out", () => {
    const events = new TrainEventStream();
    const heard: string[] = [];
    events.subscribe({
      warning() {
        throw new Error("disk full");
      },
    });
    const leave = events.subscribe({ warning: ({ message }) => heard.push(message) });
    assert.throws(() => events.emit("warning", { message: "first" }), /disk full/);
    leave();
    assert.throws(() => events.emit("warning", { message: "second" }), /disk full/);
    assert.deepEqual(heard, ["first"]);
  });

  test("closing closes each subscriber once", () => {
    const events = new TrainEventStream();
    let closed = 0;
    events.subscribe({ close: () => closed++ });
    events.close();
    events.close();
    assert.equal(closed, 1);
  });
});

describe("CSV log", () => {
  test("one row an epoch, absent values empty, names quoted", () => {
    const path = join(folder, "whole.csv");
    const log = new CsvLog(path);
    log.runStarted(runStarted());
    log.epochFinished(epochFinished(1));
    log.epochFinished(epochFinished(2, { validation: null }));
    assert.equal(
      readFileSync(path, "utf8"),
      'epoch,step,lr.fusion,lr.resnet,loss,loss.focal,loss.dice,valMIoU,valPixelAccuracy,iou.road,"iou.wall, fence",iou.train,seconds,runSeconds,picturesPerSecond,rssMB\n' +
        "1,4,0.0002,0.00002,1,0.25,0.5,0.5,0.75,0.9,0.1,,12.346,30,0.648,1500\n" +
        "2,8,0.0002,0.00002,0.5,0.25,0.5,,,,,,12.346,30,0.648,1500\n",
    );
    const rows = readCsvLog(path);
    assert.deepEqual(
      [rows.length, rows[0]?.["iou.wall, fence"], rows[0]?.["iou.train"], rows[1]?.valMIoU],
      [2, 0.1, null, null],
    );
  });

  test("a resumed run drops the rows after its epoch, and the half row a killed run left", () => {
    const path = join(folder, "resumed.csv");
    const first = new CsvLog(path);
    first.runStarted(runStarted());
    for (const epoch of [1, 2, 3]) first.epochFinished(epochFinished(epoch));
    appendFileSync(path, "4,16,0.0");
    const second = new CsvLog(path);
    second.runStarted(runStarted({ resumedEpochs: 2, resumedSteps: 8 }));
    assert.deepEqual(
      readCsvLog(path).map((row) => row.epoch),
      [1, 2],
    );
    second.epochFinished(epochFinished(3, { loss: 7 }));
    assert.deepEqual(
      readCsvLog(path).map((row) => row.loss),
      [1, 0.5, 7],
    );
  });

  test("other columns are refused, and the file stays as it was", () => {
    const path = join(folder, "columns.csv");
    const first = new CsvLog(path);
    first.runStarted(runStarted());
    first.epochFinished(epochFinished(1));
    const before = readFileSync(path, "utf8");
    const second = new CsvLog(path);
    second.runStarted(runStarted({ resumedEpochs: 1 }));
    const changed = epochFinished(2, { lossParts: { focal: 0.25, lovasz: 1 } });
    assert.throws(() => second.epochFinished(changed), {
      message:
        `${path} was begun by a run with other columns: found 16 columns, expected without loss.dice and with loss.lovasz. ` +
        "Give this run another folder with --out, or move the old log away.",
    });
    assert.equal(readFileSync(path, "utf8"), before);
  });

  test("a full disk is a Problem that names the file", { skip: !deviceFull() && "no /dev/full here" }, () => {
    const write = () => appendWhole("/dev/full", Buffer.from("a row"));
    assert.throws(write, (error) => error instanceof Problem && /^\/dev\/full cannot be written/.test(error.message));
  });
});

describe("TensorBoard log", () => {
  test("CRC-32C of the check string and of RFC 3720's examples", () => {
    assert.equal(crc32c(Buffer.from("123456789")), 0xe3069283);
    assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
    assert.equal(crc32c(new Uint8Array(32).fill(255)), 0x62a8ab43);
    assert.equal(
      maskedCrc32c(Buffer.from("123456789")),
      (((0xe3069283 >>> 15) | (0xe3069283 << 17)) + 0xa282ead8) >>> 0,
    );
    assert.equal(tfRecord(Buffer.from("abc")).length, 8 + 4 + 3 + 4);
  });

  const logs = join(folder, "tensorboard");
  const png = readPng();
  const log = new TensorBoardLog(logs, { now: () => 1_700_000_000_250 });
  log.runStarted(runStarted({ resumedEpochs: 1, resumedSteps: 300 }));
  log.stepFinished(stepFinished(310));
  log.stepFinished(stepFinished(310)); // a second batch of that step: not written
  log.stepFinished(stepFinished(311)); // between two points: not written
  log.epochFinished(epochFinished(80));
  log.validationFinished({ ...validation, epoch: 80, step: 320, best: true });
  log.sampleSaved({ id: "frankfurt", path: "x.png", epoch: 80, step: 320, png, size: { height: 3, width: 5 } });
  const file = join(logs, readdirSync(logs)[0] ?? "");

  test("an independent reader finds every record whole and every value", () => {
    const events = readRecords(readFileSync(file)).map(decode);
    assert.match(file, /events\.out\.tfevents\.1700000000\./);
    assert.deepEqual(
      events.map((event) => event.get(1)?.[0]),
      Array(6).fill(1_700_000_000.25),
    );
    assert.equal(String(events[0]?.get(3)?.[0]), "brain.Event:2");
    assert.deepEqual([events[1]?.get(2), decode(bytesOf(events[1], 7)).get(1)], [[301], [1]]); // SessionLog START purges from step 301
    assert.deepEqual(scalars(events[2]), {
      "step/loss": 0.5,
      "step/loss/focal": 0.25,
      "step/learning rate/fusion": Math.fround(2e-4),
    });
    assert.deepEqual(
      events.slice(2).map((event) => event.get(2)?.[0]),
      [310, 320, 320, 320],
    );
    assert.deepEqual(scalars(events[4]), { "validation/mIoU": 0.5, "validation/pixel accuracy": 0.75 });
    const value = decode(bytesOf(decode(bytesOf(events[5], 5)), 1));
    const image = decode(bytesOf(value, 4));
    assert.deepEqual([String(value.get(1)?.[0]), image.get(1), image.get(2)], ["samples/frankfurt", [3], [5]]);
    assert.deepEqual(Buffer.from(bytesOf(image, 4)), Buffer.from(png));
  });

  test("a flipped bit is seen by that reader", () => {
    const broken = readFileSync(file);
    broken[40]! ^= 1;
    assert.throws(() => readRecords(broken), /checksum/);
  });

  const protoc = spawnSync("protoc", ["--version"]).status === 0;
  test("protoc decodes every event", { skip: !protoc && "protobuf-compiler is not installed" }, () => {
    const [, , scalarEvent] = readRecords(readFileSync(file));
    const text = execFileSync("protoc", ["--decode_raw"], { input: scalarEvent, encoding: "utf8" });
    assert.match(text, /2: 310\n5 \{\n {2}1 \{\n {4}1: "step\/loss"\n {4}2: 0x3f000000\n/);
  });

  const tensorboard = spawnSync("/usr/bin/python3", ["-c", "import tensorboard"]).status === 0;
  test("TensorBoard itself reads the file", { skip: !tensorboard && "python3 has no tensorboard" }, () => {
    const script =
      "import sys\nfrom tensorboard.backend.event_processing.event_accumulator import EventAccumulator\n" +
      "a = EventAccumulator(sys.argv[1]); a.Reload(); print(a.Scalars('validation/mIoU')[0].value, a.Tags()['images'])";
    const said = execFileSync("/usr/bin/python3", ["-c", script, logs], { encoding: "utf8" });
    assert.equal(said.trim(), "0.5 ['samples/frankfurt']");
  });
});

describe("progress", () => {
  function printed(
    isTTY: boolean,
    tell: (subscriber: ReturnType<typeof trainProgress>, wait: (ms: number) => void) => void,
  ) {
    const stream = Object.assign(new PassThrough(), {
      isTTY,
      columns: 120,
      cursorTo() {},
      clearLine() {},
      moveCursor() {},
    });
    let clock = 0;
    const progress = trainProgress({ stream, now: () => clock, residentBytes: () => 2.5e9, everySeconds: 10 });
    tell(progress, (ms) => {
      clock += ms;
    });
    progress.close?.();
    return String(stream.read() ?? "");
  }

  test("without a terminal: a line at once, then one every ten seconds, and one an epoch", () => {
    const text = printed(false, (progress, wait) => {
      progress.runStarted?.(runStarted());
      for (let step = 1; step <= 4; step++) {
        wait(6000);
        progress.stepFinished?.(stepFinished(step));
      }
      progress.validationFinished?.({ ...validation, epoch: 1, step: 4, best: true });
      progress.epochFinished?.(epochFinished(1));
      wait(6000);
      progress.stepFinished?.(stepFinished(5));
      progress.runFinished?.({
        reason: "stopped",
        epoch: 2,
        step: 5,
        seconds: 3700,
        best: { epoch: 1, mIoU: 0.5 },
        out: folder,
      });
    });
    assert.deepEqual(text.trimEnd().split("\n"), [
      "8 training and 3 validation pictures, 3 classes; 26.94 M parameters train, 637.00 M are frozen; cpu, float32",
      "epoch 1/3  1/4 · loss 0.5000 · 4.0 pictures/s · 5.5 s left · 2.5 GB",
      "epoch 1/3  3/4 · loss 0.5000 · 4.0 pictures/s · 4.5 s left · 2.5 GB",
      "epoch 1/3  loss 1.0000 · mIoU 50.0 % · pixel accuracy 75.0 % · 0.65 pictures/s · 14 s",
      "epoch 2/3  1/4 · loss 0.5000 · mIoU 50.0 % · 4.0 pictures/s · 42 s left · 2.5 GB",
      "stopped after 1 h 01 min, best mIoU 50.0 % in epoch 1",
    ]);
  });

  test("a run resumed in the middle of an epoch knows what is left of it, also where batches share a step", () => {
    const text = printed(false, (progress, wait) => {
      progress.runStarted?.(runStarted({ resumedEpochs: 1, resumedSteps: 2 }));
      wait(500);
      progress.stepFinished?.({ ...stepFinished(3), epoch: 2, stepInEpoch: 3 });
    });
    assert.match(text, /, resumed after epoch 1\nepoch 2\/3 {2}3\/4 · .* · 2\.5 s left/); // 5 batches of half a second
  });

  test("says what pictures were drawn from", () => {
    const trainSubset = { size: 8, of: 20, seed: 3, fingerprint: "0123456789ab" };
    const text = printed(false, (progress) => progress.runStarted?.(runStarted({ trainSubset })));
    assert.match(text, /^8 of 20 \(drawn by seed 3\) training and 3 validation pictures, /);
  });

  test("on a terminal a bar is drawn and the epoch's line stands alone", () => {
    const text = printed(true, (progress) => {
      progress.runStarted?.(runStarted());
      const listeners = process.listenerCount("SIGINT");
      progress.stepFinished?.(stepFinished(1));
      progress.stepFinished?.(stepFinished(2));
      assert.equal(process.listenerCount("SIGINT"), listeners); // signals belong to the command
      progress.epochFinished?.(epochFinished(1));
    });
    assert.match(text, /epoch 1\/3 ━+─+ 1\/4 · loss 0\.5000/);
    assert.ok(!text.includes("\u001b[?")); // no terminal mode that a killed process would leave behind
    assert.match(text, /\nepoch 1\/3 {2}loss 1\.0000|epoch 1\/3 {2}loss 1\.0000 · mIoU 50\.0 %/);
  });

  test("durations", () => {
    const said = [4.25, 42, 303, 7620, 273_600].map(duration);
    assert.deepEqual(said, ["4.3 s", "42 s", "5 min 03 s", "2 h 07 min", "3 d 04 h"]);
  });
});

type Fields = Map<number, (number | Uint8Array)[]>;

/** TFRecord framing, read without the code under test: a bitwise CRC in place of its table. */
function readRecords(file: Buffer): Uint8Array[] {
  const records: Uint8Array[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(file.readBigUInt64LE(at));
    if (file.readUInt32LE(at + 8) !== slowMaskedCrc(file.subarray(at, at + 8))) throw new Error("checksum of a length");
    const data = file.subarray(at + 12, at + 12 + length);
    if (file.readUInt32LE(at + 12 + length) !== slowMaskedCrc(data)) throw new Error("checksum of a record");
    records.push(data);
    at += 16 + length;
  }
  return records;
}

function slowMaskedCrc(bytes: Uint8Array): number {
  let crc = 0xffffffffn;
  for (const byte of bytes) {
    crc ^= BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1n) ^ (crc & 1n ? 0x82f63b78n : 0n);
  }
  crc ^= 0xffffffffn;
  return Number((((crc >> 15n) | (crc << 17n)) + 0xa282ead8n) & 0xffffffffn);
}

function decode(message: Uint8Array): Fields {
  const view = Buffer.from(message);
  const fields: Fields = new Map();
  let at = 0;
  const skip = (bytes: number) => {
    at += bytes;
    return at - bytes;
  };
  const varint = () => {
    let value = 0;
    for (let weight = 1; ; weight *= 128) {
      const byte = view[at++]!;
      value += (byte & 127) * weight;
      if (byte < 128) return value;
    }
  };
  while (at < view.length) {
    const key = varint();
    const kind = key & 7;
    let value: number | Uint8Array;
    if (kind === 0) value = varint();
    else if (kind === 1) value = view.readDoubleLE(skip(8));
    else if (kind === 5) value = view.readFloatLE(skip(4));
    else {
      const length = varint();
      value = view.subarray(at, at + length);
      at += length;
    }
    fields.set(key >> 3, [...(fields.get(key >> 3) ?? []), value]);
  }
  return fields;
}

function bytesOf(fields: Fields | undefined, field: number): Uint8Array {
  return fields?.get(field)?.[0] as Uint8Array;
}

function scalars(event: Fields | undefined): Record<string, unknown> {
  const values = (decode(bytesOf(event, 5)).get(1) ?? []).map((value) => decode(value as Uint8Array));
  return Object.fromEntries(values.map((value) => [String(value.get(1)?.[0]), value.get(2)?.[0]]));
}

function readPng(): Uint8Array {
  return Uint8Array.from([0x89, 0x50, 0x4e, 0x47, ...Array.from({ length: 300 }, (_, i) => i & 255)]);
}

function deviceFull(): boolean {
  return process.platform === "linux" && spawnSync("test", ["-c", "/dev/full"]).status === 0;
}
