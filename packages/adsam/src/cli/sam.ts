import { type Command, Option } from "commander";
import { encoderNames } from "../models/encoder-names.js";
import type { SamQuestion } from "../sam/question.js";
import type { CommandFile } from "./command.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, type RecipeFlags, recipeFlags } from "./options.js";
import { exitCodes, type Output } from "./output.js";
import { progressLine } from "./progress-line.js";
import {
  addPromptOptions,
  addSettingOptions,
  checkQuestion,
  choiceOf,
  readFormats,
  type SamFlags,
  settingsOf,
  share,
  wholeNumber,
} from "./sam-options.js";
import { printMasks } from "./sam-print.js";

const help = `
Prompts
  All --point together are one prompt, with the --box where there is one:
    adsam sam street.jpg --point 410,260 --point 500,300,0
  Each of several --box is a prompt. A prompt gets one mask: of a lone point, which leaves
  open what is meant, the best of three; of any other prompt the network's single one.

  --prompts takes a list for every picture, or an object with a list for each:
    [{"points": [[410, 260], [500, 300]], "labels": [1, 0]}, {"box": [380, 200, 520, 330]}]
    {"a.jpg": [{"points": [[410, 260]]}], "b.jpg": [{"box": [5, 5, 90, 60]}]}

Results
  sam.json                what was done, and a line for each mask
  NAME_masks/0001.png     png: a mask, 255 inside, 0 outside
  NAME_masks.png          png: the number of the smallest mask at each pixel, 0 for none
  NAME_masks.json         rle: COCO's run lengths, boxes, scores and prompts, a mask a line
  NAME_overlay.png        overlay: masks and prompts over the picture`;

/** `adsam sam PICTURE… --point x,y | --box x0,y0,x1,y1 | --prompts FILE | --everything` */
export const command: CommandFile = {
  define(sam, output) {
    sam
      .description("Masks by Segment Anything: for points, for boxes, or of everything in a picture.")
      .argument("<picture...>", 'pictures, folders of them, or quoted patterns such as "frames/**/*.png"');
    addPromptOptions(sam);
    sam
      .option("--out <folder>", "folder for the results", "masks")
      .addOption(
        new Option("--format <format>", "png, rle, overlay, several with commas between, or all")
          .argParser(readFormats)
          .default(readFormats("all"), "all"),
      )
      .option("--alpha <number>", "how strongly the colours of an overlay cover the picture, 0 to 1", share, 0.45)
      .option("--overwrite", "replace files of an earlier run")
      .option("--json", "print sam.json")
      .option(
        "--encoder <name|file>",
        `${encoderNames.join(", ")}, or a checkpoint of SAM (default: mobile-sam, on a GPU sam-vit-h)`,
      )
      .option("--weights <file>", "a checkpoint of SAM (default: the encoder's, as adsam weights fetched it)")
      .option("--seed <integer>", "of random weights, for nano, which no one pretrained", wholeNumber, 0);
    addShortOptions(sam, ["device", "threads", "precision"]);
    addSettingOptions(sam);
    sam
      .addHelpText("after", help)
      .action((pictures: string[], flags: SamFlags, command: Command) =>
        run(pictures, flags, recipeFlags(command), output),
      );
  },
};

async function run(
  inputs: string[],
  flags: SamFlags,
  { flags: given, spelled }: RecipeFlags,
  output: Output,
): Promise<void> {
  output.json = flags.json === true;
  checkQuestion(flags);
  const question = await questionOf(flags);
  const { resolveRecipe } = await import("../train/recipe.js");
  const { samFiles } = await import("../sam/run.js");
  const { encoder, weights, seed, out, format, alpha, overwrite = false } = flags;
  const { device, precision, threads } = resolveRecipe({ flags: given, spelled }).recipe.run;
  const signal = stopSignal(output, "finishing the picture at hand");
  const bar = progressLine(output, "pictures");
  const start = performance.now();
  let summary: Awaited<ReturnType<typeof samFiles>>;
  try {
    summary = await samFiles({
      inputs,
      question,
      out,
      formats: format,
      alpha,
      overwrite,
      ...(encoder !== undefined && { encoder }),
      ...(weights !== undefined && { weights }),
      seed,
      device,
      precision,
      threads,
      signal,
      onPlan: (plan) => {
        if (plan.weights === null)
          output.warning(
            `${plan.encoder} was pretrained by no one: its weights are random (seed ${plan.seed}), its masks mean nothing.`,
          );
      },
      onProgress(done, total) {
        const rate = done / Math.max(0.001, (performance.now() - start) / 1000);
        bar.update(done, total, `${rate.toFixed(rate < 10 ? 2 : 0)} pictures/s`);
      },
    });
  } finally {
    bar.end();
  }
  for (const { error } of summary.failed) output.warning(`no masks: ${error.replaceAll("\n", " ")}`);
  output.result(summary, () => printMasks(summary, out, output));
  if (!summary.complete) process.exitCode = exitCodes.interrupted;
  else if (summary.failed.length > 0) process.exitCode = exitCodes.problem;
}

async function questionOf(flags: SamFlags): Promise<SamQuestion> {
  const everything = settingsOf(flags);
  if (flags.everything) return { everything };
  const { promptsOfFlags } = await import("../sam/prompts.js");
  const { readPrompts } = await import("../sam/prompts-file.js");
  const prompts =
    flags.prompts === undefined ? promptsOfFlags(flags.point, flags.box) : await readPrompts(flags.prompts);
  return { prompts, choice: choiceOf(flags) };
}
