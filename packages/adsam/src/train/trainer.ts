import { Generator, scope } from "@adsam/torch";
import { chooseCompute } from "../compute.js";
import { type Dataset, requireLabels } from "../data/dataset.js";
import type { Progress } from "./checkpoint.js";
import { settleClassWeights } from "./class-weights.js";
import type { TrainEventStream } from "./events.js";
import { buildNetwork, checkClasses, networkOf, settleModel } from "./network.js";
import { freezeUnmoved } from "./optimiser.js";
import type { Recipe } from "./recipe-schema.js";
import { Run } from "./run.js";
import { RunFolder } from "./run-folder.js";
import { leavesEncoderOut } from "./stored-embeddings.js";

export interface TrainOptions {
  readonly recipe: Recipe;
  readonly train: Dataset;
  readonly val: Dataset;
  readonly events: TrainEventStream;
  /** Continues from `<out>/last.pth`. */
  readonly resume?: boolean;
  /** Finishes the step at hand, saves, and ends. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly reason: "finished" | "stopped" | "out of time";
  readonly progress: Progress;
  readonly last: string;
  /** Absent until a validation was done. */
  readonly best: string | undefined;
}

/**
 * Trains a network by a recipe. Tells `events` everything and prints nothing. A run that ended at any moment, also by SIGKILL, and is
 * resumed goes on as if it had never stopped: on the CPU, with the same number of threads, to the same bits.
 * @throws Problem for bad input, each saying what; checkpoints and logs written before are whole
 */
export async function trainNetwork(options: TrainOptions): Promise<TrainResult> {
  const { train, val, resume = false } = options;
  const compute = chooseCompute(options.recipe.run);
  requireLabels(train);
  requireLabels(val);
  const recipe = await settleClassWeights(settleModel(options.recipe, compute), train);
  checkClasses(recipe, train);
  using folder = RunFolder.claim(recipe.run.out, { resume });
  Generator.default().seed(recipe.run.seed);
  const build = resume ? networkOf : buildNetwork;
  using network = scope(() =>
    build(recipe, train.classes, { embeddingOnly: leavesEncoderOut(recipe) }).to({ device: compute.device }),
  );
  freezeUnmoved(network, recipe);
  await using run = new Run({ ...options, recipe }, folder, network, compute);
  if (resume) run.restore();
  return await run.finish();
}
