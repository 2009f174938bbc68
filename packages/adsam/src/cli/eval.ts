import { Option } from "commander";
import type { Recipe } from "../train/recipe-schema.js";
import type { Scores } from "../evaluate/scores.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, recipeFlags } from "./options.js";
import type { Output } from "./output.js";
import { progressLine } from "./progress-line.js";

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
      .description("Scores a checkpoint on a data set: IoU of each class, mIoU, accuracies, over one confusion matrix of the whole split.")
      .argument("<checkpoint>", "best.pth or last.pth of a run");
    addShortOptions(evaluate, ["data", "size", "device", "threads", "precision"]);
    evaluate
      .addOption(new Option("--kind <layout>", "layout of the data set; auto looks").choices(["auto", "cityscapes", "bdd100k", "camvid", "folder"]))
      .option("--split <name>", "split to score (default: the validation split of the run)")
      .option("--limit <integer>", "score so many pictures at most")
      .addOption(new Option("--resolution <which>", "where predictions meet labels: at the label's own size, or at the network's").choices(["label", "network"]).default("label"))
      .option("--confusion", "with --json: the confusion matrix as well")
      .option("--json", "print the result as JSON")
      .action((checkpoint: string, flags: EvalFlags, command) => run(checkpoint, flags, recipeFlags(command), output));
  },
};

async function run(checkpoint: string, flags: EvalFlags, given: ReturnType<typeof recipeFlags>, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { loadNetwork } = await import("../train/checkpoint.js");
  const { chooseCompute } = await import("../train/device.js");
  const { openSplits } = await import("../train/start.js");
  const { overRecipe } = await import("../train/recipe-over.js");
  const { evaluate } = await import("../evaluate/evaluate.js");
  const { scoresOf } = await import("../evaluate/scores.js");
  using loaded = disposable(loadNetwork(checkpoint));
  const recipe = overRecipe(loaded.recipe, {
    ...given,
    flags: {
      ...("data.root" in given.flags && { "data.kind": "auto" }),
      ...given.flags,
      ...(flags.kind && { "data.kind": flags.kind }),
      ...(flags.split && { "data.valSplit": flags.split }),
      ...(flags.limit && { "data.limitVal": flags.limit }),
    },
  });
  const compute = chooseCompute(recipe.run);
  const network = loaded.network.to({ device: compute.device });
  const dataset = await openSplits(recipe, ["val"]);
  const resolution = flags.resolution ?? "label";
  const bar = progressLine(output, `${dataset.val.name}, ${dataset.val.split}`);
  const matrix = await evaluate({
    network,
    dataset: dataset.val,
    input: { height: recipe.input.height, width: recipe.input.width },
    resolution,
    compute,
    workers: recipe.data.workers,
    signal: stopSignal(output, "scoring what was seen so far"),
    onProgress: (done, total) => bar.update(done, total),
  });
  bar.stop();
  const scores = scoresOf(matrix, dataset.val, resolution);
  output.result(flags.confusion ? { ...scores, confusion: matrix.toJSON() } : scores, () => printScores(scores, output));
}
