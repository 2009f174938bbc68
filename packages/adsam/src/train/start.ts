import { join } from "node:path";
import { Problem } from "@adsam/torch";
import { type Dataset, draw } from "../data/dataset.js";
import { openDataset } from "../data/open.js";
import { replaceWhole } from "./append-whole.js";
import { CsvLog } from "./csv-log.js";
import type { TrainEventStream } from "./events.js";
import { type Recipe, recipeToYaml } from "./recipe.js";
import { subsetFile } from "./subset.js";
import { TensorBoardLog } from "./tensorboard.js";
import { type TrainResult, trainNetwork } from "./trainer.js";

export interface StartOptions {
  readonly events: TrainEventStream;
  readonly resume?: boolean;
  readonly signal?: AbortSignal;
}

/**
 * The training or the validation split of a recipe's data set, cut to the recipe's limit. A part to train on is drawn by the seed; one to
 * validate on is the same for every seed, so that runs are compared on the same pictures.
 */
export async function openSplit({ data, run }: Recipe, which: "train" | "val"): Promise<Dataset> {
  const { kind, root } = data;
  if (root === null)
    throw new Problem({
      what: "data set",
      found: "none",
      expected: "--data FOLDER, or data.root in the recipe",
      todo: "`adsam demo` generates one to try with.",
    });
  const dataset = await openDataset({ kind, root, split: which === "train" ? data.trainSplit : data.valSplit });
  const limit = which === "train" ? data.limitTrain : data.limitVal;
  const drawnBy = data.limitSeed === "auto" ? run.seed : data.limitSeed;
  const seed = which === "train" ? drawnBy : 0;
  return limit === null || limit >= dataset.samples.length ? dataset : draw(dataset, limit, seed);
}

/** Trains by a recipe with everything a run keeps in its folder: recipe, CSV, TensorBoard, checkpoints, samples. */
export async function startTraining(
  recipe: Recipe,
  { events, resume = false, signal }: StartOptions,
): Promise<TrainResult> {
  const { out } = recipe.run;
  const [train, val] = await Promise.all([openSplit(recipe, "train"), openSplit(recipe, "val")]);
  events.subscribe(new CsvLog(join(out, "log.csv")));
  events.subscribe(new TensorBoardLog(join(out, "tensorboard")));
  events.subscribe({
    runStarted: ({ recipe: settled, trainSubset }) => {
      replaceWhole(join(out, "recipe.yaml"), recipeToYaml(settled));
      if (trainSubset) replaceWhole(join(out, "subset.json"), `${JSON.stringify(subsetFile(train), null, 2)}\n`);
    },
  });
  try {
    return await trainNetwork({ recipe, train, val, events, resume, ...(signal && { signal }) });
  } finally {
    events.close();
  }
}
