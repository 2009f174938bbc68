/**
 * Resident memory and live tensors over a training run: `node bench/memory.mjs [--steps 1000] [--any.recipe-field value …]`.
 * Trains a tiny AD-SAM on generated scenes with validations, checkpoints and worker threads, and compares step 10 with the last.
 * `GLIBC_TUNABLES=glibc.malloc.hugetlb=1:glibc.malloc.arena_max=2` in the environment is how the launcher starts a command (with more arenas
 * each keeps what its threads freed); `--gc true` collects JavaScript's garbage before each look.
 * Exit code 1 where memory grew by 3 % or more, or the number of live tensors changed after the first epoch (which keeps one
 * distance map a picture).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { writeSyntheticDataset } from "../packages/adsam/dist/src/data/synthetic/write.js";
import { TrainEventStream } from "../packages/adsam/dist/src/train/events.js";
import { resolveRecipe } from "../packages/adsam/dist/src/train/recipe.js";
import { startTraining } from "../packages/adsam/dist/src/train/start.js";
import { liveTensors } from "../packages/torch/dist/src/index.js";

const { tokens } = parseArgs({ strict: false, tokens: true });
const given = Object.fromEntries(
  tokens
    .filter(({ kind }) => kind === "option")
    .map(({ name, value, index }) => [name, value ?? process.argv[index + 3]]),
);
const { steps: wanted = "1000", gc = "false", ...flags } = given;
setFlagsFromString("--expose-gc");
const collect = gc === "true" ? runInNewContext("gc") : () => {};
const steps = Number(wanted);
const pictures = 10; // 5 steps an epoch: by step 10 everything a run does was done once, a validation and checkpoints among it
const batchSize = 2;
const folder = mkdtempSync(join(tmpdir(), "adsam-memory-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

const size = { width: 96, height: 64 };
await writeSyntheticDataset({
  domain: "structured",
  root: join(folder, "data"),
  train: pictures,
  val: 4,
  seed: 1,
  size,
});
const { recipe } = resolveRecipe({
  flags: {
    "data.root": join(folder, "data"),
    "run.out": join(folder, "run"),
    "run.device": "cpu",
    "input.height": 64,
    "input.width": 96,
    "model.encoder": "nano",
    "model.encoderTrained": true,
    "model.resnet": "resnet18",
    "model.fusionDim": 32,
    "model.decoderDims": [32, 16, 16],
    "model.attentionHeads": 4,
    "train.batchSize": batchSize,
    "train.epochs": Math.ceil(steps / (pictures / batchSize)),
    ...flags,
  },
});

const megabytes = (bytes) => (bytes / 2 ** 20).toFixed(1).padStart(8);
const points = new Map();
const events = new TrainEventStream();
events.subscribe({
  stepFinished: ({ step }) => {
    if (step !== 10 && step % Math.max(10, Math.floor(steps / 10)) !== 0) return;
    collect();
    const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
    const { count, bytes } = liveTensors();
    points.set(step, { rss, count });
    console.log(
      `step ${String(step).padStart(5)}  resident ${megabytes(rss)} MB  JavaScript ${megabytes(heapUsed)} MB  ` +
        `buffers ${megabytes(arrayBuffers)} MB  tensors ${count} (${megabytes(bytes)} MB)`,
    );
  },
});
await startTraining(recipe, { events });

const first = points.get(10);
const [, settled] = [...points].find(([step]) => step >= pictures / batchSize); // the distance maps of all pictures are there
const [lastStep, last] = [...points].at(-1);
const growth = last.rss / first.rss - 1;
console.log(
  `step ${lastStep} against step 10: resident ${(100 * growth).toFixed(2)} %, tensors ${last.count - first.count}`,
);
process.exitCode = growth < 0.03 && last.count === settled.count ? 0 : 1;
