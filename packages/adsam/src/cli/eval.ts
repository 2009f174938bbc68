import { Option } from "commander";
import type { Recipe } from "../train/recipe-schema.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, type RecipeFlags, recipeFlags } from "./options.js";
import type { Output } from "./output.js";
import { progressLine } from "./progress-line.js";
import { printScores } from "./scores-print.js";

interface EvalFlags {
  readonly kind?: Recipe["data"]["kind"];
  readonly split?: string;
  readonly limit?: string;
  readonly resolution?: "label" | "network";
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
      .argument("<checkpoint>", "best.pth or last.pth of a run");
    addShortOptions(evaluate, ["data", "size", "device", "threads", "precision"]);
    evaluate
      .addOption(
        new Option("--kind <layout>", "layout of the data set; auto looks").choices([
          "auto",
          "cityscapes",
          "bdd100k",
          "camvid",
          "folder",
        ]),
      )
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
      .option("--confusion", "with --json: the confusion matrix as well")
      .option("--json", "print the result as JSON")
      .action((checkpoint: string, flags: EvalFlags, command) => run(checkpoint, flags, recipeFlags(command), output));
  },
};

async function run(checkpoint: string, flags: EvalFlags, given: RecipeFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { loadNetwork } = await import("../train/checkpoint.js");
  const { chooseCompute } = await import("../train/device.js");
  const { overRecipe } = await import("../train/recipe.js");
  const { openSplit } = await import("../train/start.js");
  const { evaluate } = await import("../evaluate/evaluate.js");
  const { scoresOf } = await import("../evaluate/scores.js");
  const loaded = loadNetwork(checkpoint);
  const recipe = overRecipe(loaded.recipe, {
    spelled: given.spelled,
    flags: {
      ...("data.root" in given.flags && { "data.kind": "auto", "data.valSplit": "val" }),
      "data.limitVal": null,
      ...given.flags,
      ...(flags.kind && { "data.kind": flags.kind }),
      ...(flags.split && { "data.valSplit": flags.split }),
      ...(flags.limit && { "data.limitVal": flags.limit }),
    },
  });
  const compute = chooseCompute(recipe.run);
  const dataset = await openSplit(recipe, "val");
  const resolution = flags.resolution ?? "label";
  const bar = progressLine(output, `${dataset.name}, ${dataset.split}`);
  const matrix = await evaluate({
    network: loaded.network.to({ device: compute.device }),
    dataset,
    input: { height: recipe.input.height, width: recipe.input.width },
    resolution,
    compute,
    workers: recipe.data.workers,
    signal: stopSignal(output, "scoring what was seen so far"),
    onProgress: (done, total) => bar.update(done, total),
  });
  bar.end();
  const scores = scoresOf(matrix, dataset, resolution);
  output.result(flags.confusion ? { ...scores, confusion: matrix.toJSON() } : scores, () =>
    printScores(scores, output),
  );
}
