import { Option } from "commander";
import type { Recipe } from "../train/recipe-schema.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, encoderWeightsHelp, kindOption, type RecipeFlags, recipeFlags } from "./options.js";
import type { Output } from "./output.js";
import { progressLine } from "./progress-line.js";
import { printScores } from "./scores-print.js";

interface EvalFlags {
  readonly kind?: Recipe["data"]["kind"];
  readonly split?: string;
  readonly limit?: string;
  readonly resolution?: "label" | "network";
  readonly encoderWeights?: string;
  readonly confusion?: true;
  readonly json?: true;
}

/** `adsam eval CHECKPOINT --data FOLDER` */
export const command: CommandFile = {
  define(evaluate, output) {
    evaluate
      .description(
        "Scores a checkpoint on a data set: IoU of each class, mIoU, accuracies, over one confusion matrix of the whole split.",
      )
      .argument("<checkpoint>", "best.pth or last.pth of a run, or AD-SAM's weights as its authors save them");
    addShortOptions(evaluate, ["data", "size", "device", "threads", "precision"]);
    evaluate
      .addOption(kindOption())
      .option("--split <name>", "split to score (default: the validation split of the run)")
      .option("--limit <integer>", "score so many pictures at most")
      .addOption(
        new Option(
          "--resolution <which>",
          "where predictions meet labels: at the label's own size, or at the network's",
        )
          .choices(["label", "network"])
          .default("label"),
      )
      .option("--encoder-weights <path>", encoderWeightsHelp)
      .option("--confusion", "with --json: the confusion matrix as well")
      .option("--json", "print the result as JSON")
      .action((checkpoint: string, flags: EvalFlags, command) => run(checkpoint, flags, recipeFlags(command), output));
  },
};

async function run(checkpoint: string, flags: EvalFlags, given: RecipeFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { loadNetwork } = await import("../train/checkpoint.js");
  const { chooseCompute } = await import("../compute.js");
  const { overRecipe } = await import("../train/recipe.js");
  const { openSplit } = await import("../train/start.js");
  const { evaluate } = await import("../evaluate/evaluate.js");
  const { scoresOf } = await import("../evaluate/scores.js");
  const { encoderWeights } = flags;
  const loaded = loadNetwork(checkpoint, encoderWeights === undefined ? {} : { encoderWeights });
  const recipe = overRecipe(loaded.recipe, scoringFlags(loaded.recipe, flags, given));
  const compute = chooseCompute(recipe.run);
  const dataset = await openSplit(recipe, "val");
  const { names } = loaded.classes;
  const other = dataset.classes.names.findIndex((name, id) => names[id] !== undefined && names[id] !== name);
  if (other >= 0)
    output.warning(
      loaded.progress === null
        ? `the checkpoint does not name its classes: those of ${dataset.name} are taken, in their order`
        : `${dataset.name} calls class ${other} "${dataset.classes.names[other]}"; the network learned it as "${names[other]}"`,
    );
  const resolution = flags.resolution ?? "label";
  const bar = progressLine(output, `${dataset.name}, ${dataset.split}`);
  const signal = stopSignal(output, "scoring what was seen so far");
  let pictures = 0;
  const matrix = await evaluate({
    network: loaded.network.to({ device: compute.device }),
    dataset,
    input: recipe.input,
    resolution,
    compute,
    workers: recipe.data.workers,
    signal,
    onProgress: (done, total) => {
      pictures = done;
      bar.update(done, total);
    },
    onNotReplayed: (reason) => output.warning(`the GPU was given the network piece by piece: ${reason}`),
  });
  bar.end();
  const scores = scoresOf(matrix, dataset, resolution, pictures);
  output.result(flags.confusion ? { ...scores, confusion: matrix.toJSON() } : scores, () =>
    printScores(scores, output),
  );
  if (signal.aborted) {
    output.warning(`stopped after ${pictures} of ${dataset.samples.length} pictures: the scores are those of a part`);
    process.exitCode = 130; // 128 + SIGINT
  }
}

/** The data set and the machine are today's, the rest is the run's. */
function scoringFlags(saved: Recipe, flags: EvalFlags, given: RecipeFlags): RecipeFlags {
  const own = { "data.kind": flags.kind, "data.valSplit": flags.split, "data.limitVal": flags.limit };
  return {
    spelled: { "data.kind": "--kind", "data.valSplit": "--split", "data.limitVal": "--limit", ...given.spelled },
    flags: {
      ...("data.root" in given.flags && { "data.kind": "auto", "data.valSplit": "val" }),
      "data.limitVal": null,
      "run.device": "auto",
      "run.threads": "auto",
      ...(saved.run.precision === "float16" && { "run.precision": "auto" }),
      ...given.flags,
      ...Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined)),
    },
  };
}
