import { readFile, rm } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import { buildInfo } from "@adsam/torch";
import { chooseCompute } from "../compute.js";
import type { Dataset } from "../data/dataset.js";
import { writeWhole } from "../data/files.js";
import { openDataset } from "../data/open.js";
import { readPicture } from "../data/picture.js";
import { type SyntheticDatasetOptions, writeSyntheticDataset } from "../data/synthetic/write.js";
import { evaluate } from "../evaluate/evaluate.js";
import { type Scores, scoresOf } from "../evaluate/scores.js";
import type { ConfusionMatrix } from "../metrics/confusion.js";
import { retention } from "../metrics/retention.js";
import { curvePoints } from "../report/curve-points.js";
import { writeReport } from "../report/page.js";
import type { EvaluationReport, PictureReport } from "../report/run-report.js";
import { loadNetwork } from "../train/checkpoint.js";
import type { TrainEventStream } from "../train/events.js";
import { recipeToYaml } from "../train/recipe.js";
import { startTraining } from "../train/start.js";
import { pictureReport } from "./pictures.js";
import { type DemoSize, demoRecipe } from "./recipe.js";

export interface DemoOptions {
  /** Folder for data sets, run, predictions and report. What an earlier demonstration left in it is replaced. */
  readonly out: string;
  readonly size: DemoSize;
  readonly seed: number;
  readonly threads: number | "auto";
  /** The command line, for the report. */
  readonly command: string;
  readonly events: TrainEventStream;
  readonly onProgress: (what: string, done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface DemoResult {
  readonly structured: Scores;
  readonly diverse: Scores;
  readonly retention: number | null;
  readonly report: string;
  readonly predictions: string;
  readonly checkpoint: string;
  readonly seconds: number;
  readonly peakResidentBytes: number;
}

/** Pictures of each domain that the report shows. */
const shown = 4;

/**
 * The main job from nothing: generates streets in two domains, trains a compact AD-SAM on the orderly one, scores it on both,
 * and writes overlays and a report. Undefined where it was stopped on the way; training can then be resumed.
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult | undefined> {
  const { out, size, seed, threads, signal, onProgress } = options;
  const started = performance.now();
  const { picture } = size;
  await generate(
    { domain: "structured", root: join(out, "structured"), train: size.train, val: size.val, seed, size: picture },
    onProgress,
  );
  const wide = { height: Math.round((picture.width * 9) / 16 / 2) * 2, width: picture.width };
  await generate(
    { domain: "diverse", root: join(out, "diverse"), train: 0, val: size.val, seed: seed + 1, size: wide },
    onProgress,
  );

  const recipe = demoRecipe(size, out, { seed, threads });
  await rm(recipe.run.out, { recursive: true, force: true });
  const trainingFrom = performance.now();
  const result = await startTraining(recipe, { events: options.events, ...(signal && { signal }) });
  if (result.reason !== "finished" || result.best === undefined) return undefined;
  const trainSeconds = (performance.now() - trainingFrom) / 1000;

  const compute = chooseCompute(recipe.run);
  const { network } = loadNetwork(result.best);
  const pictures: PictureReport[] = [];
  const score = async (dataset: Dataset): Promise<ConfusionMatrix> =>
    evaluate({
      network,
      dataset,
      input: { height: recipe.input.height, width: recipe.input.width },
      resolution: "label",
      compute,
      workers: recipe.data.workers,
      onProgress: (done, total) => onProgress(`scoring ${dataset.name}`, done, total),
      onPrediction: async ({ index, id, prediction, label }) => {
        if (index >= shown) return;
        const one = await pictureReport(
          id,
          await readPicture(dataset.samples[index]!.imagePath),
          prediction,
          label,
          dataset.classes,
        );
        pictures.push({ ...one, caption: `${dataset.name}, ${id}` });
        const name = `${dataset.name.toLowerCase()}-${id.replaceAll("/", "_")}.jpg`;
        await writeWhole(join(out, "predictions", name), one.prediction as Uint8Array);
      },
    });
  const structured = await openDataset({ kind: "cityscapes", root: join(out, "structured"), split: "val" });
  const diverse = await openDataset({ kind: "bdd100k", root: join(out, "diverse"), split: "val" });
  const [onStructured, onDiverse] = [await score(structured), await score(diverse)];
  const scores = [scoresOf(onStructured, structured, "label"), scoresOf(onDiverse, diverse, "label")] as const;
  const kept = retention(scores[1].mIoU, scores[0].mIoU);
  const seconds = (performance.now() - started) / 1000;
  const peakResidentBytes = process.resourceUsage().maxRSS * 1024;
  const report = join(out, "report.html");
  await writeReport(report, {
    title: "AD-SAM on generated streets",
    summary: `A compact AD-SAM, trained from random weights on ${size.train} orderly streets by day, and scored on ${size.val} more of them and on ${size.val} of another domain: night, rain, fog, glare, other cameras.`,
    when: new Date(),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? process.arch}, ${Math.round(totalmem() / 2 ** 30)} GB · libtorch ${buildInfo().version} · CPU`,
    command: options.command,
    recipe: recipeToYaml(recipe),
    curves: await curvePoints(join(recipe.run.out, "log.csv")),
    evaluations: [
      evaluationReport("structured (written as Cityscapes)", scores[0], onStructured, structured),
      evaluationReport("diverse (written as BDD100K)", scores[1], onDiverse, diverse),
    ],
    retention: { value: kept, from: "structured", to: "diverse" },
    pictures,
    model: {
      name: "AD-SAM, nano encoders",
      parameters: network.parameterCount(),
      input: recipe.input,
    },
    timing: {
      totalSeconds: seconds,
      trainSeconds,
      picturesPerSecond: (size.train * size.epochs) / trainSeconds,
      peakResidentBytes,
    },
    next: nextSteps(result.best),
  });
  network.dispose();
  return {
    structured: scores[0],
    diverse: scores[1],
    retention: kept,
    report,
    predictions: join(out, "predictions"),
    checkpoint: result.best,
    seconds,
    peakResidentBytes,
  };
}

/** What a reader might do now; shown in the report and in the terminal. */
export function nextSteps(checkpoint: string): string[] {
  return [
    `Segment a picture of your own: \`./adsam predict ${checkpoint} PICTURE --out predictions\``,
    "Train on Cityscapes with the paper's recipe: `./adsam train --data /path/to/cityscapes --out runs/cityscapes`",
    "Look at a data set before you train on it: `./adsam data inspect /path/to/data`",
  ];
}

/** Streets that an earlier demonstration drew with the same settings are used again. */
async function generate(options: SyntheticDatasetOptions, onProgress: DemoOptions["onProgress"]): Promise<void> {
  const { domain, root, train, val, seed, size } = options;
  const wanted = JSON.stringify([domain, train, val, seed, size?.height, size?.width]);
  try {
    const has = JSON.parse(await readFile(join(root, "synthetic.json"), "utf8"));
    if (JSON.stringify([has.domain, has.train, has.val, has.seed, has.size.height, has.size.width]) === wanted) return;
  } catch {
    // Not there yet.
  }
  await rm(root, { recursive: true, force: true });
  await writeSyntheticDataset({
    ...options,
    onProgress: (done, total) => onProgress(`drawing ${domain} streets`, done, total),
  });
}

function evaluationReport(
  dataset: string,
  scores: Scores,
  matrix: ConfusionMatrix,
  { classes }: Dataset,
): EvaluationReport {
  return {
    dataset,
    split: scores.split,
    pictures: scores.pictures,
    mIoU: scores.mIoU,
    pixelAccuracy: scores.pixelAccuracy,
    perClass: scores.perClass.map(({ name, iou, pixels }, k) => ({
      name,
      iou,
      colour: classes.colours[k]!,
      share: pixels / scores.pixels,
    })),
    confusion: matrix.toJSON().counts,
    rule: `${scores.rule}. Scored at the labels' own resolution.`,
  };
}
