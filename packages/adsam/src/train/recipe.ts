import { checkRecipe, type RecipeSources } from "./recipe-checks.js";
import {
  checkedValue,
  defaultOf,
  fieldValue,
  recipeField,
  recipeFields,
  unknownKeyProblem,
  valueFromText,
} from "./recipe-fields.js";
import { absolute, readRecipeFile } from "./recipe-file.js";
import { type Recipe, recipeSchema } from "./recipe-schema.js";
import { isInputPath } from "./recipe-values.js";
import type { SystemName } from "./systems/names.js";

export type { RecipeSources } from "./recipe-checks.js";
export { type Recipe, type RecipeGroup, recipeSchema } from "./recipe-schema.js";
export { recipeToYaml } from "./recipe-yaml.js";

export interface RecipeOrigins {
  /** A YAML recipe, or the name of one that comes with adsam; without one, the paper's defaults. */
  readonly file?: string;
  /** Field path → value, stronger than the file. A string is read as on the command line; anything else is taken as it is. */
  readonly flags?: Readonly<Record<string, unknown>>;
  /** Field path → how the user spelled the flag, where it was not `--optim.lr`. */
  readonly spelled?: Readonly<Record<string, string>>;
}

export interface ResolvedRecipe {
  readonly recipe: Recipe;
  /** Field path → `default`, `demo.yaml:12` or `--optim.lr`. */
  readonly sources: RecipeSources;
}

/** The paper's recipe. */
export function paperRecipe(): Recipe {
  return recipeSchema.parse({});
}

/**
 * One complete recipe out of defaults, the own ones of the system that it names, a file (and those it extends) and flags, weakest first.
 * Input paths come out absolute: relative to the file that names them, or to the current folder for flags.
 * @throws Problem for an unreadable file, an unknown key, a wrong value, or fields that contradict each other
 */
export function resolveRecipe({ file, flags = {}, spelled = {} }: RecipeOrigins): ResolvedRecipe {
  const values = file === undefined ? new Map() : readRecipeFile(file);
  for (const [path, given] of Object.entries(flags)) {
    const field = recipeField(path);
    if (field === undefined) throw unknownFlag(path);
    const source = spelled[path] ?? `--${path}`;
    const value = checkedValue(field, typeof given === "string" ? valueFromText(field, given) : given, source);
    values.set(path, { value: isInputPath(field.meta, value) ? absolute(value, process.cwd()) : value, source });
  }
  const system = (values.get("model.name")?.value ?? recipeField("model.name")?.defaultValue) as SystemName;
  const tree: Record<string, Record<string, unknown>> = {};
  const sources = new Map<string, string>();
  for (const { path, group, key } of recipeFields) {
    const set = values.get(path);
    tree[group] ??= {};
    tree[group][key] = set === undefined ? defaultOf(system, path) : set.value;
    sources.set(path, set?.source ?? "default");
  }
  const recipe = recipeSchema.parse(tree);
  checkRecipe(recipe, sources);
  return { recipe, sources };
}

/** A saved recipe under flags given now: what a checkpoint is resumed, scored or used with. */
export function overRecipe(recipe: Recipe, { flags = {}, spelled = {} }: Omit<RecipeOrigins, "file">): Recipe {
  const saved = recipeFields.map(({ path }) => [path, fieldValue(recipe, path)] as const);
  return resolveRecipe({ flags: { ...Object.fromEntries(saved), ...flags }, spelled }).recipe;
}

function unknownFlag(path: string) {
  const known = recipeFields.map((field) => field.path);
  return unknownKeyProblem("flags", path, known, "");
}
