import { type Command, InvalidArgumentError, Option } from "commander";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, encoderWeightsHelp, type RecipeFlags, recipeFlags } from "./options.js";
import { exitCodes, type Output } from "./output.js";
import { printPredictions } from "./predict-print.js";
import { type ProgressLine, progressLine } from "./progress-line.js";
import { addRefineOptions, type RefineFlags, refinementOf } from "./refine-options.js";

interface PredictFlags extends RefineFlags {
  readonly out: string;
  readonly alpha: number;
  readonly ids: boolean;
  readonly overlay: boolean;
  readonly overlayFormat: "png" | "jpg";
  readonly palette?: true;
  readonly labelIds?: true;
  readonly format?: "cityscapes" | "bdd100k";
  readonly split?: string;
  readonly every: number;
  readonly workers: number;
  readonly encoderWeights?: string;
  readonly overwrite?: true;
  readonly json?: true;
}

/** `adsam predict CHECKPOINT INPUT… --out FOLDER` */
export const command: CommandFile = {
  define(predict, output) {
    predict
      .description(
        "Segments pictures and videos: ids as grey PNG, the picture under class colours, and each class's share in predictions.json. " +
          "Classes are decided at the picture's own resolution.",
      )
      .argument("<checkpoint>", "best.pth or last.pth of a run, or AD-SAM's weights as its authors save them")
      .argument(
        "<input...>",
        'pictures, videos (through ffmpeg), folders of them, or quoted patterns such as "frames/**/*.png"',
      )
      .option("--out <folder>", "folder for the results", "predictions");
    addShortOptions(predict, ["size", "batch", "device", "threads", "precision"], { showDefaults: false });
    addRefineOptions(predict);
    predict
      .option("--alpha <number>", "how strongly the colours cover the picture, 0 to 1", numeric, 0.5)
      .addOption(
        new Option("--overlay-format <format>", "file format of overlays").choices(["png", "jpg"]).default("png"),
      )
      .option("--no-overlay", "no overlays")
      .option("--no-ids", "no id pictures")
      .option("--palette", "ids as palette PNG: in colours to look at, the indices still being the ids")
      .option("--label-ids", "Cityscapes' own label ids (7 road, …) instead of train ids")
      .addOption(
        new Option(
          "--format <server>",
          "id pictures as that benchmark's server takes them, of all pictures of a split; <input> is the data set's folder",
        ).choices(["cityscapes", "bdd100k"]),
      )
      .option("--split <name>", "with --format: the split to predict (default: test)")
      .option(
        "--every <integer>",
        "of a video, look at every N-th frame; those between show its answer",
        wholeNumber,
        1,
      )
      .option("--workers <integer>", "threads that read and write ahead; 0: none beside the main one", wholeNumber, 1)
      .option("--encoder-weights <path>", encoderWeightsHelp)
      .option("--overwrite", "replace files of an earlier run")
      .option("--json", "print predictions.json")
      .action((checkpoint: string, inputs: string[], flags: PredictFlags, command: Command) =>
        run(checkpoint, inputs, flags, recipeFlags(command), output),
      );
  },
};

async function run(
  checkpoint: string,
  inputs: string[],
  flags: PredictFlags,
  { flags: given, spelled }: RecipeFlags,
  output: Output,
): Promise<void> {
  output.json = flags.json === true;
  const { resolveRecipe } = await import("../train/recipe.js");
  const { predictFiles } = await import("../predict/run.js");
  const asked = resolveRecipe({ flags: given, spelled }).recipe;
  const signal = stopSignal(output, "finishing the picture at hand");
  const progress = rates(output);
  let summary: Awaited<ReturnType<typeof predictFiles>>;
  try {
    summary = await predictFiles({
      ...flags,
      refinement: await refinementOf(flags),
      overlay: flags.overlay && flags.format === undefined,
      checkpoint,
      inputs,
      device: asked.run.device,
      precision: asked.run.precision,
      threads: asked.run.threads,
      ...("input.height" in given && { size: asked.input }),
      ...("train.batchSize" in given && { batchSize: asked.train.batchSize }),
      signal,
      onProgress: progress.update,
    });
  } finally {
    progress.end();
  }
  for (const { file, warning } of summary.videos) if (warning) output.warning(`${file}: ${warning}`);
  for (const { error } of summary.failed) output.warning(`not predicted: ${error.replaceAll("\n", " ")}`);
  output.result(summary, () => printPredictions(summary, flags.out, output));
  if (!summary.complete) process.exitCode = exitCodes.interrupted;
  else if (summary.failed.length > 0) process.exitCode = exitCodes.problem;
}

/** A bar for the pictures and one for each video, with their speed. */
function rates(output: Output) {
  let [label, start] = ["", 0];
  let bar: ProgressLine | undefined;
  return {
    update(what: string, done: number, total: number | undefined): void {
      if (what !== label) {
        bar?.end();
        [label, start] = [what, performance.now()];
        bar = progressLine(output, what);
      }
      const unit = what === "pictures" ? "pictures" : "frames";
      const rate = done / Math.max(0.001, (performance.now() - start) / 1000);
      bar?.update(done, Math.max(done, total ?? done), `${rate.toFixed(rate < 10 ? 2 : 0)} ${unit}/s`);
    },
    end: () => bar?.end(),
  };
}

function numeric(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("expected a number, 0 to 1");
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError("expected a whole number");
}
