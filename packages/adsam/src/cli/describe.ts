import { Problem } from "@adsam/torch/problem";
import type { Command } from "commander";
import type { CommandFile } from "./command.js";
import { addRecipeOptions, addShortOptions, encoderWeightsHelp, type RecipeFlags, recipeFlags } from "./options.js";
import type { Output } from "./output.js";

interface DescribeFlags {
  readonly depth: string;
  readonly encoderWeights?: string;
  readonly json?: true;
}

/** `adsam describe [checkpoint | recipe.yaml]`: the paper's network where nothing is named. */
export const command: CommandFile = {
  define(describe, output) {
    describe
      .description(
        "Prints a network's modules with output shapes, parameters and multiply-adds for one picture. " +
          "Nothing is computed: ViT-H at 1024×1024 takes seconds and little memory.",
      )
      .argument(
        "[network]",
        "a run's checkpoint, AD-SAM's weights from elsewhere, a recipe in YAML, or small-data (default: the paper's)",
      );
    addShortOptions(describe, ["size"], { showDefaults: false });
    describe
      .option("--depth <integer>", "levels of modules below the network", "2")
      .option("--encoder-weights <path>", encoderWeightsHelp)
      .option("--json", "print everything, at any depth, as JSON");
    addRecipeOptions(describe);
    describe.action((network: string | undefined, flags: DescribeFlags, command: Command) =>
      run(network, flags, recipeFlags(command), output),
    );
  },
};

async function run(
  network: string | undefined,
  flags: DescribeFlags,
  given: RecipeFlags,
  output: Output,
): Promise<void> {
  output.json = flags.json === true;
  if (!/^\d+$/.test(flags.depth))
    throw new Problem({ what: "--depth", found: `"${flags.depth}"`, expected: "a whole number, 0 or more" });
  const { cityscapesClasses } = await import("../data/labels.js");
  const { overRecipe, resolveRecipe } = await import("../train/recipe.js");
  const { networkOf } = await import("../train/network.js");
  const { ownRecipeOf } = await import("../train/systems/own-recipes.js");
  const { describeNetwork } = await import("../describe/modules.js");
  const { describedAs, printDescription } = await import("./describe-print.js");
  const { shippedRecipes } = await import("../train/shipped-recipes.js");
  const isRecipe = network === undefined || /\.ya?ml$/i.test(network) || shippedRecipes.has(network);
  if (isRecipe && flags.encoderWeights !== undefined)
    throw new Problem({
      what: "--encoder-weights with a recipe",
      found: `"${flags.encoderWeights}"`,
      expected: "a checkpoint to go with it",
      todo: "A recipe's encoder is set by --model.encoder, to a name or to such a file.",
    });
  const saved = isRecipe ? undefined : await headerOf(network, flags, given);
  const recipe = saved
    ? overRecipe(saved.recipe, given)
    : resolveRecipe({ ...(network !== undefined && { file: network }), ...given }).recipe;
  const classes = saved?.classes ?? cityscapesClasses;
  const described = describeNetwork(() => networkOf(recipe, classes), recipe.input);
  const description = describedAs(described, {
    of: network ?? (recipe.model.name === "ad-sam" ? "the paper's network" : ownRecipeOf(recipe).title),
    input: recipe.input,
    numClasses: recipe.model.numClasses === "auto" ? classes.names.length : recipe.model.numClasses,
    ...(saved && { progress: saved.progress }),
  });
  output.result(description, () => printDescription(description, Number(flags.depth), output));
}

/** What a checkpoint says of its network. Its weights stay in the file. */
async function headerOf(checkpoint: string, { encoderWeights }: DescribeFlags, { flags, spelled }: RecipeFlags) {
  const changed = Object.keys(flags).filter((path) => path.startsWith("model."));
  if (changed.length > 0)
    throw new Problem({
      what: `checkpoint "${checkpoint}"`,
      found: changed.map((path) => spelled[path]).join(", "),
      expected: "no change to the network that is in it",
      todo: "Describe a recipe to see another network.",
    });
  const { readHeader } = await import("../train/checkpoint.js");
  return readHeader(checkpoint, encoderWeights === undefined ? {} : { encoderWeights });
}
