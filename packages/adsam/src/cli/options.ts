import { Problem } from "@adsam/torch/problem";
import { type Command, Option } from "commander";
import { datasetLayouts } from "../data/layouts.js";
import { recipeFields, show } from "../train/recipe-fields.js";
import { groupDescriptions, type RecipeGroup, recipeGroups } from "../train/recipe-schema.js";
import { readSize } from "../train/recipe-values.js";

/** Short names of the fields one sets most. `--size` stands for two. */
const aliases = {
  data: ["data.root"],
  out: ["run.out"],
  epochs: ["train.epochs"],
  batch: ["train.batchSize"],
  lr: ["optim.lr"],
  size: ["input.height", "input.width"],
  device: ["run.device"],
  threads: ["run.threads"],
  precision: ["run.precision"],
  seed: ["run.seed"],
} as const satisfies Record<string, readonly string[]>;

export type RecipeAlias = keyof typeof aliases;

export const kindOption = (): Option =>
  new Option("--kind <layout>", "layout of the data set; auto looks").choices(datasetLayouts);

/** Of a recipe named on the command line. */
export const recipeHelp = "recipe in YAML, or one that comes with adsam by its name: small-data";

/** Of `--encoder-weights`, for commands that take a checkpoint. */
export const encoderWeightsHelp =
  "SAM checkpoint of the frozen encoder, where it has moved since the run, or where the weights come from elsewhere " +
  "(default there: sam-vit-h as adsam weights fetched it)";

/** The fields that a command line sets, for `resolveRecipe`. */
export interface RecipeFlags {
  /** Field path → the text given. */
  readonly flags: Record<string, unknown>;
  /** Field path → the flag as typed. */
  readonly spelled: Record<string, string>;
}

/**
 * Adds the short names, all or those given, with type, description and default from the schema.
 * @param showDefaults false where what is left out comes from elsewhere, such as the recipe inside a checkpoint
 */
export function addShortOptions(
  command: Command,
  names: readonly RecipeAlias[] = Object.keys(aliases) as RecipeAlias[],
  { showDefaults = true }: { readonly showDefaults?: boolean } = {},
): void {
  for (const name of names) {
    const [path] = aliases[name];
    const field = recipeFields.find((field) => field.path === path);
    if (field === undefined) throw new Error(`--${name} stands for ${path}, which is no field of a recipe`);
    const isSize = name === "size";
    const said = isSize ? "network input in pixels, HxW or one number for a square" : field.description;
    const fallback = showDefaults ? (isSize ? "1024x1024" : field.defaultValue) : null;
    command.addOption(new Option(`--${name} <${isSize ? "HxW" : field.meta.type}>`, described(said, fallback)));
  }
}

/** Adds one flag for each field of a recipe, `--optim.lr <number>`, in groups. */
export function addRecipeOptions(command: Command): void {
  for (const group of Object.keys(recipeGroups) as RecipeGroup[]) {
    for (const field of recipeFields.filter((field) => field.group === group)) {
      const value = field.meta.type === "boolean" ? "[boolean]" : `<${field.meta.type}>`;
      const option = new Option(`--${field.path} ${value}`, described(field.description, field.defaultValue));
      command.addOption(option.helpGroup(`Recipe, ${group}: ${groupDescriptions[group]}`));
    }
  }
}

/**
 * What the user typed among the options of `addShortOptions` and `addRecipeOptions`; defaults are left out.
 * @throws Problem for a size that is none, and where a short and a long name disagree
 */
export function recipeFlags(command: Command): RecipeFlags {
  const given = command.opts<Record<string, unknown>>();
  const flags: Record<string, unknown> = {};
  const spelled: Record<string, string> = {};
  const set = (path: string, value: unknown, flag: string) => {
    if (flags[path] !== undefined && flags[path] !== value) {
      const found = `${spelled[path]} ${flags[path]} and ${flag} ${value}`;
      throw new Problem({ what: `recipe key "${path}"`, found, expected: "one value", todo: "Leave one flag out." });
    }
    flags[path] = value;
    spelled[path] = flag;
  };
  for (const [name, paths] of Object.entries(aliases)) {
    if (given[name] === undefined) continue;
    if (name === "size") setSize(String(given[name]), set);
    else for (const path of paths) set(path, given[name], `--${name}`);
  }
  for (const { path } of recipeFields) {
    if (given[path] !== undefined) set(path, String(given[path]), `--${path}`);
  }
  return { flags, spelled };
}

function setSize(text: string, set: (path: string, value: unknown, flag: string) => void): void {
  const size = readSize(text) as { height?: number; width?: number } | string;
  if (typeof size === "string") {
    throw new Problem({ what: "--size", found: `"${text}"`, expected: "512x1024 (height first), or 512 for a square" });
  }
  set("input.height", String(size.height), "--size");
  set("input.width", String(size.width), "--size");
}

function described(description: string, value: unknown): string {
  return value === null ? description : `${description} (default: ${typeof value === "string" ? value : show(value)})`;
}
