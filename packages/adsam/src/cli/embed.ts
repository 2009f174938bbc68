import { type Command, InvalidArgumentError, Option } from "commander";
import type { Dataset } from "../data/dataset.js";
import { type StorageDtype, storageDtypes } from "../data/embeddings/description.js";
import type { Recipe } from "../train/recipe-schema.js";
import type { CommandFile } from "./command.js";
import { embedProgress, printEmbedSummary, printPlan } from "./embed-print.js";
import { stopSignal } from "./interrupt.js";
import { addShortOptions, kindOption, type RecipeFlags, recipeFlags, recipeHelp } from "./options.js";
import { exitCodes, type Output } from "./output.js";

interface EmbedFlags {
  readonly kind?: string;
  readonly split?: string[];
  readonly limit?: string;
  readonly encoder?: string;
  readonly encoderWeights?: string;
  readonly dtype: StorageDtype;
  readonly store?: string;
  readonly mirror: boolean;
  readonly workers?: string;
  readonly verify?: true;
  readonly json?: true;
}

/** `adsam embed [recipe.yaml] --data FOLDER` */
export const command: CommandFile = {
  define(embed, output) {
    embed
      .description(
        "Computes the frozen encoder's embedding of every picture of a data set and of its mirror image, once, into a store that " +
          "`adsam train` reads. Goes on where it was stopped or killed; several may work at one store at once.",
      )
      .argument("[recipe]", `${recipeHelp}: the one that will be trained by`);
    addShortOptions(embed, ["data"]);
    embed
      .addOption(kindOption())
      .option("--split <name...>", "splits to embed (default: the recipe's training split)")
      .option("--limit <integer>", "embed so many pictures at most, those that training with this limit takes")
      .option("--encoder <name>", "image encoder by name, or a checkpoint's path (default: the recipe's)")
      .option("--encoder-weights <path>", "its checkpoint; null: random weights (default: the recipe's)")
      .addOption(new Option("--dtype <type>", "how embeddings are stored").choices(storageDtypes).default("float16"))
      .option(
        "--store <folder>",
        "folder of stores, one for each encoder, size and dtype (default: in the cache folder)",
      );
    addShortOptions(embed, ["size", "device", "threads", "precision", "seed"]);
    embed
      .option("--no-mirror", "no mirror images")
      .option("--workers <integer>", "threads that read pictures ahead; 0: none beside the main one", wholeNumber)
      .option("--verify", "read what is stored already, and compute anew what is damaged")
      .option("--json", "print the result as JSON")
      .action((file: string | undefined, flags: EmbedFlags, command: Command) =>
        run(file, flags, recipeFlags(command), output),
      );
  },
};

async function run(file: string | undefined, flags: EmbedFlags, given: RecipeFlags, output: Output): Promise<void> {
  output.json = flags.json === true;
  const { resolveRecipe } = await import("../train/recipe.js");
  const { chooseCompute } = await import("../compute.js");
  const { settleEncoder } = await import("../train/network.js");
  const { embedDataset } = await import("../embed/embed-dataset.js");
  const { openEmbeddings } = await import("../embed/open-embeddings.js");
  const asked = resolveRecipe({ ...(file !== undefined && { file }), ...withOwn(flags, given) }).recipe;
  const datasets = await openSplits(asked, flags.split);
  const compute = chooseCompute(asked.run);
  const recipe = settleEncoder(asked, compute);
  await warn(recipe, flags, output);
  const { model, input } = recipe;
  using embeddings = openEmbeddings({
    encoder: model.encoder,
    weights: model.encoderWeights,
    seed: recipe.run.seed,
    input: { height: input.height, width: input.width },
    compute,
    dtype: flags.dtype,
    ...(flags.store !== undefined && { root: flags.store }),
  });
  const { source, store } = embeddings;
  const signal = stopSignal(output, "finishing the picture at hand");
  const progress = embedProgress(output);
  try {
    const summary = await embedDataset({
      files: datasets.flatMap(({ samples }) => samples.map(({ imagePath }) => imagePath)),
      store,
      encoder: () => source.encoder(),
      compute,
      mirror: flags.mirror,
      workers: recipe.data.workers,
      verify: flags.verify === true,
      signal,
      onProgress: progress.update,
      onPlan: (plan) => {
        progress.end();
        printPlan(plan, { datasets, store, mirror: flags.mirror }, output);
      },
    });
    progress.end();
    for (const { message } of summary.failed) output.warning(`not embedded: ${message}`);
    for (const fault of summary.faults) output.warning(fault);
    const where = { data: datasets[0]!.root, splits: datasets.map(({ split }) => split), store: store.folder };
    output.result({ ...where, ...summary }, () => printEmbedSummary(summary, store, output));
    if (!summary.complete) process.exitCode = exitCodes.interrupted;
    else if (summary.failed.length > 0) process.exitCode = exitCodes.problem;
  } finally {
    progress.end();
  }
}

/** The command's own names for fields of a recipe. */
function withOwn(flags: EmbedFlags, { flags: given, spelled }: RecipeFlags): RecipeFlags {
  const own = [
    ["data.kind", "--kind", flags.kind],
    ["data.limitTrain", "--limit", flags.limit],
    ["data.workers", "--workers", flags.workers],
    ["model.encoder", "--encoder", flags.encoder],
    ["model.encoderWeights", "--encoder-weights", flags.encoderWeights],
  ] as const;
  const set = own.filter(([, , value]) => value !== undefined);
  return {
    flags: { ...given, ...Object.fromEntries(set.map(([path, , value]) => [path, value])) },
    spelled: { ...spelled, ...Object.fromEntries(set.map(([path, flag]) => [path, flag])) },
  };
}

async function warn({ model, augment }: Recipe, { encoder }: EmbedFlags, output: Output): Promise<void> {
  const { Problem } = await import("@adsam/torch/problem");
  const { whyNotStored } = await import("../train/why-not-stored.js");
  const { isPretrained } = await import("../models/encoder-names.js");
  if (model.encoder === "none")
    throw new Problem({
      what: encoder === undefined ? "recipe key model.encoder" : "--encoder",
      found: "none",
      expected: "an encoder",
    });
  const why = whyNotStored({ model, augment });
  if (why !== undefined) output.warning(`training by this recipe will not use the embeddings: ${why}`);
  if (model.encoderWeights === null && isPretrained(model.encoder))
    output.warning(`${model.encoder} has random weights here: name its checkpoint with --encoder-weights`);
}

async function openSplits(recipe: Recipe, splits: readonly string[] | undefined): Promise<Dataset[]> {
  const { openSplit } = await import("../train/start.js");
  const names = [...new Set(splits ?? [recipe.data.trainSplit])];
  return Promise.all(
    names.map((trainSplit) => openSplit({ ...recipe, data: { ...recipe.data, trainSplit } }, "train")),
  );
}

function wholeNumber(text: string): string {
  if (/^\d+$/.test(text)) return text;
  throw new InvalidArgumentError("expected a whole number, 0 or more");
}
