/** A tiny network, a few pictures, and what it takes to run, kill and compare trainings of them. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { fileURLToPath } from "node:url";
import { openCheckpoint, scope, Tensor } from "@adsam/torch";
import { encode } from "fast-png";
import { readCsvLog } from "../src/train/csv-log.js";
import { type TrainEventName, TrainEventStream, type TrainEvents } from "../src/train/events.js";
import { type Recipe, resolveRecipe } from "../src/train/recipe.js";
import { startTraining } from "../src/train/start.js";
import type { TrainResult } from "../src/train/trainer.js";
import { put, putLabel } from "./data-fixtures.js";

/** A folder that goes away when this file's tests have ended. */
export function folderForTests(name: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), `adsam-${name}-`));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const size = { height: 40, width: 72 };

/**
 * Pictures that can be learned from, in Cityscapes' layout: sky over road, a car somewhere, each in a colour of its own with
 * some noise. Label ids 23, 7, 26, and 0 (ignored) around the car. Not the network's size.
 */
export async function putScenes(root: string, split: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const name = `ulm_${String(i).padStart(6, "0")}_000019`;
    const horizon = 12 + ((5 * i) % 11);
    const left = (17 * i) % 50;
    const ids = Uint8Array.from({ length: size.height * size.width }, (_, at) => {
      const [y, x] = [Math.floor(at / size.width), at % size.width];
      const inside = (margin: number) =>
        x >= left - margin && x < left + 20 + margin && y >= horizon - margin && y < horizon + 9 + margin;
      return inside(0) ? 26 : inside(1) ? 0 : y < horizon ? 23 : 7;
    });
    const colours: Record<number, readonly number[]> = {
      0: [9, 9, 9],
      7: [128, 64, 96],
      23: [70, 130, 210],
      26: [200, 30, 40],
    };
    const data = new Uint8Array(3 * ids.length);
    for (const [at, id] of ids.entries())
      for (let c = 0; c < 3; c++) data[3 * at + c] = colours[id]![c]! + ((at * 7 + 31 * c + 13 * i) % 40);
    const file = (kind: string, form: string) => path.join(root, kind, split, "ulm", `${name}_${form}.png`);
    await put(file("leftImg8bit", "leftImg8bit"), encode({ ...size, data, channels: 3 }));
    await putLabel(file("gtFine", "gtFine_labelIds"), size, [...ids]);
  }
}

/** Where `putScenes` puts the picture or the label of a place. */
export const sceneFile = (root: string, split: string, i: number, kind: "picture" | "label"): string => {
  const [folder, form] = kind === "picture" ? ["leftImg8bit", "leftImg8bit"] : ["gtFine", "gtFine_labelIds"];
  return path.join(root, folder, split, "ulm", `ulm_${String(i).padStart(6, "0")}_000019_${form}.png`);
};

/** Everything small, everything that is random or stateful switched on: SAM's encoder trained, augmentation, accumulation, warm-up, clipping. */
export const tinyFlags: Readonly<Record<string, unknown>> = {
  "data.workers": 1,
  "input.height": 64,
  "input.width": 96,
  "augment.scale": [0.8, 1.5],
  "augment.crop": { height: 64, width: 96 },
  "augment.jitter": { brightness: 0.3, contrast: 0.3, saturation: 0.3 },
  "model.encoder": "nano",
  "model.encoderWeights": null,
  "model.encoderTrained": true,
  "model.resnet": "resnet18",
  "model.fusionDim": 32,
  "model.decoderDims": [32, 16, 16],
  "model.attentionHeads": 4,
  "optim.lr": 1e-3,
  "optim.by": "step",
  "optim.warmupSteps": 3,
  "optim.clipNorm": 1,
  "optim.accumulate": 2,
  "train.epochs": 2,
  "train.samples": 1,
  "run.device": "cpu",
  "run.threads": 1,
};

export function tinyRecipe(flags: Readonly<Record<string, unknown>>): Recipe {
  return resolveRecipe({ flags: { ...tinyFlags, ...flags } }).recipe;
}

/** The same as words of a command line. */
export function tinyWords(flags: Readonly<Record<string, unknown>>): string[] {
  return Object.entries({ ...tinyFlags, ...flags }).flatMap(([path, value]) => [
    `--${path}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
}

export interface RecordedEvent<Name extends TrainEventName = TrainEventName> {
  readonly name: Name;
  readonly event: TrainEvents[Name];
}

/** Trains in this process. @param watch sees each event while the run goes on */
export async function train(
  recipe: Recipe,
  options: { readonly resume?: boolean; readonly signal?: AbortSignal } = {},
  watch: (event: RecordedEvent) => void = () => {},
): Promise<{ result: TrainResult; events: RecordedEvent[] }> {
  const stream = new TrainEventStream();
  const events: RecordedEvent[] = [];
  const names = [
    "runStarted",
    "stepFinished",
    "validationFinished",
    "epochFinished",
    "checkpointSaved",
    "sampleSaved",
    "runFinished",
  ] as const;
  const hear = (name: TrainEventName) => (event: never) => {
    events.push({ name, event });
    watch({ name, event });
  };
  stream.subscribe(Object.fromEntries(names.map((name) => [name, hear(name)])));
  return { result: await startTraining(recipe, { events: stream, ...options }), events };
}

export const eventsNamed = <Name extends TrainEventName>(
  events: readonly RecordedEvent[],
  name: Name,
): TrainEvents[Name][] => events.filter((one) => one.name === name).map(({ event }) => event as TrainEvents[Name]);

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command line. @param watch sees each line of stdout; what it returns is sent as a signal */
export function adsam(
  words: readonly string[],
  watch: (line: string) => NodeJS.Signals | undefined = () => undefined,
  command: readonly string[] = [],
): Promise<Ended> {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const [program, ...rest] = [...command, process.execPath, script, ...words];
  const child = spawn(program!, rest, { env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    stdout += `${line}\n`;
    const signal = watch(line);
    if (signal) child.kill(signal);
  });
  return new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr })));
}

/** Sends a signal once, at the first event of that name which fits. */
export function at<Name extends TrainEventName>(
  name: Name,
  fits: (event: TrainEvents[Name]) => boolean,
  signal: NodeJS.Signals,
): (line: string) => NodeJS.Signals | undefined {
  let sent = false;
  return (line) => {
    const { event, ...rest } = JSON.parse(line) as { event: string };
    if (sent || event !== name || !fits(rest as TrainEvents[Name])) return undefined;
    sent = true;
    return signal;
  };
}

/** Name → hash of the bytes of each tensor in a checkpoint, weights, optimiser and generator alike; plain values as they are, times aside. */
export function contents(file: string): Map<string, unknown> {
  const found = new Map<string, unknown>();
  const visit = (name: string, value: unknown): void => {
    if (value instanceof Tensor) {
      const bytes = new Uint8Array(value.contiguous().bytes());
      found.set(name, `${value.dtype} [${value.shape.join(", ")}] ${createHash("sha1").update(bytes).digest("hex")}`);
    } else if (value instanceof Map) for (const [key, inner] of value) visit(`${name}/${key}`, inner);
    else if (Array.isArray(value)) for (const [i, inner] of value.entries()) visit(`${name}/${i}`, inner);
    else found.set(name, value);
  };
  scope(() => visit("", openCheckpoint(file).tree));
  const progress = JSON.parse(String(found.get("/progress")));
  found.set("/progress", { ...progress, epochSeconds: 0, seconds: 0 });
  found.delete("/recipe");
  return found;
}

/** Two runs ended alike: weights, optimiser, generator, progress, and the log but for its times. */
export function assertSameRun(actual: string, expected: string): void {
  for (const name of ["last.pth", "best.pth"])
    assert.deepEqual(contents(path.join(actual, name)), contents(path.join(expected, name)), name);
  assert.deepEqual(logWithoutTimes(actual), logWithoutTimes(expected));
}

export function logWithoutTimes(run: string): Record<string, number | null>[] {
  return readCsvLog(path.join(run, "log.csv")).map(({ seconds, runSeconds, picturesPerSecond, rssMB, ...rest }) => {
    assert.ok(runSeconds! >= seconds! && seconds! > 0 && picturesPerSecond! > 0 && rssMB! > 0);
    return rest;
  });
}

/** The data set of this file's tests: 11 pictures to train on, 3 to validate. */
export async function sceneFolder(root: string): Promise<string> {
  const data = path.join(root, "data");
  await mkdir(data, { recursive: true });
  await putScenes(data, "train", 11);
  await putScenes(data, "val", 3);
  return data;
}
