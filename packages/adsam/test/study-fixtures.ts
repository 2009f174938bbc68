/** A study so small that each of its runs takes seconds, and what it takes to begin, stop and kill one. */
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Ended } from "./train-fixtures.js";

/** Everything of a tiny study but its experiments; `DATA` is the folder of its pictures. */
export const tinyStudy = `title: A tiny study
recipe:
  data: { workers: 0, embeddings: null }
  input: { height: 64, width: 96 }
  model: { encoder: nano, encoderWeights: null, encoderTrained: true, resnet: none, fusionDim: 32, decoderDims: [32, 16, 16], attentionHeads: 4 }
  optim: { lr: 0.001 }
  train: { samples: 0 }
  run: { device: cpu, threads: 1 }
systems:
  ad-sam: { title: AD-SAM, kind: subject }
  sam: { title: SAM, kind: baseline, recipe: { model: { name: sam } } }
data:
  scenes: { title: Scenes, kind: cityscapes, root: DATA, limitVal: 2 }
  streets:
    title: Streets
    kind: synthetic
    draw: { domain: diverse, train: 0, val: 2, size: { height: 72, width: 128 } }
seeds: [0]
budgets: { short: { epochs: 2 }, longer: { epochs: 6 } }
`;

/** Writes a study's file. @param text with `DATA` for `data` */
export function putStudy(file: string, text: string, data = "data"): string {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text.replaceAll("DATA", data));
  return file;
}

const script = fileURLToPath(new URL("../src/cli/main.js", import.meta.url));

export interface Process {
  readonly pid: number;
  readonly ended: Promise<Ended>;
  kill(signal: NodeJS.Signals): void;
  /** What it has told on stderr so far. */
  told(): string;
}

/** Begins the real command line. */
export function begin(words: readonly string[], folder: string): Process {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env;
  const child = spawn(process.execPath, [script, ...words], { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return {
    pid: child.pid!,
    told: () => stderr,
    kill: (signal) => child.kill(signal),
    ended: new Promise((resolve) => child.on("close", (status, signal) => resolve({ status, signal, stdout, stderr }))),
  };
}

export const study = (words: readonly string[], folder: string): Promise<Ended> =>
  begin(["study", ...words], folder).ended;

/** Waits for something, a minute at most. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < 60_000; waited += 20) {
    if (holds()) return;
    await sleep(20);
  }
  throw new Error(`waited a minute for ${what}`);
}

/** Epochs in a run's log. */
export function epochsOf(run: string): number {
  const log = path.join(run, "log.csv");
  return existsSync(log) ? Math.max(0, readFileSync(log, "utf8").trimEnd().split("\n").length - 1) : 0;
}
