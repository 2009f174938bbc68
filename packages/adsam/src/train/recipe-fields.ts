import { Problem } from "@adsam/torch/problem";
import { distance } from "fastest-levenshtein";
import { parse as parseYaml } from "yaml";
import type { z } from "zod";
import { type Recipe, type RecipeGroup, recipeGroups } from "./recipe-schema.js";
import { type ValueMeta, valueMeta } from "./recipe-values.js";
import type { SystemName } from "./systems/names.js";
import { ownRecipes } from "./systems/own-recipes.js";

/** One field of a recipe, as files, flags and help texts see it. */
export interface RecipeField {
  /** `optim.lr` */
  readonly path: string;
  readonly group: RecipeGroup;
  readonly key: string;
  readonly description: string;
  readonly meta: ValueMeta;
  readonly defaultValue: unknown;
  readonly schema: z.ZodType;
}

/** Every field of a recipe, in the order in which recipes are written. */
export const recipeFields: readonly RecipeField[] = (Object.keys(recipeGroups) as RecipeGroup[]).flatMap((group) =>
  Object.entries(recipeGroups[group].shape).map(([key, schema]) => ({
    path: `${group}.${key}`,
    group,
    key,
    description: (schema as z.ZodType).meta()?.description ?? "",
    meta: valueMeta(schema as z.ZodType),
    defaultValue: (schema as z.ZodType).parse(undefined),
    schema: schema as z.ZodType,
  })),
);

const byPath = new Map(recipeFields.map((field) => [field.path, field]));

export function recipeField(path: string): RecipeField | undefined {
  return byPath.get(path);
}

/** What a field holds where a recipe of this system does not say: the system's own value, or AD-SAM's. */
export function defaultOf(system: SystemName, path: string): unknown {
  const own = ownRecipes[system].defaults;
  return Object.hasOwn(own, path) ? own[path] : recipeField(path)?.defaultValue;
}

/** The value of a field by its path. */
export function fieldValue(recipe: Recipe, path: string): unknown {
  const [group = "", key = ""] = path.split(".");
  return (recipe as unknown as Record<string, Record<string, unknown>>)[group]?.[key];
}

/**
 * The field's value from what a file or a flag gave.
 * @param where how an error begins: `recipe "a.yaml" line 3, key "optim.lr"` or `--optim.lr`
 * @throws Problem naming what was found and what was expected
 */
export function checkedValue(field: RecipeField, value: unknown, where: string): unknown {
  const result = field.schema.safeParse(value);
  if (result.success && value !== undefined) return result.data;
  const unknownKey = result.error?.issues.find((issue) => issue.code === "unrecognized_keys")?.keys[0];
  if (unknownKey !== undefined && field.meta.keys !== undefined) {
    throw unknownKeyProblem(where, unknownKey, field.meta.keys, "");
  }
  throw new Problem({ what: where, found: show(value), expected: field.meta.expects, todo: defaultHint(field) });
}

/** A flag's text as the value it stands for: `1e-3`, `true`, `null`, `0.5,2`, `512x1024`, `{height: 512, width: 1024}`. */
export function valueFromText(field: RecipeField, given: string): unknown {
  const { form } = field.meta;
  const said = given.trim();
  if (said === "null") return null;
  if (form === "text" || (form === "size" && !said.startsWith("{"))) return said;
  try {
    const isItems = form === "list" && !said.startsWith("[") && said !== "auto";
    return parseYaml(isItems ? `[${said}]` : said);
  } catch {
    return given;
  }
}

/** The error for a key that no recipe has, with the nearest key that one has. */
export function unknownKeyProblem(where: string, key: string, known: readonly string[], prefix: string): Problem {
  const near = nearestKey(key, known, prefix);
  return new Problem({
    what: `${where}, unknown key "${prefix}${key}"`,
    ...(known.length > 20 ? {} : { expected: `one of ${known.join(", ")}` }),
    ...(near === undefined ? {} : { todo: `Did you mean "${near}"?` }),
  });
}

/** The known key closest to `key`: the same letters in another spelling, the same name in another group, a part of a name, or few typing errors. */
export function nearestKey(key: string, known: readonly string[], prefix = ""): string | undefined {
  const [group, rest] = key.split(".", 2);
  if (rest !== undefined && prefix === "" && group !== undefined && Object.hasOwn(recipeGroups, group)) {
    return nearestKey(rest, Object.keys(recipeGroups[group as RecipeGroup].shape), `${group}.`);
  }
  const plain = (name: string) => name.toLowerCase().replaceAll(/[-_ ]/g, "");
  const sibling = known.find((name) => plain(name) === plain(key));
  if (sibling !== undefined) return prefix + sibling;
  const elsewhere = recipeFields.find((field) => plain(field.key) === plain(key) || plain(field.path) === plain(key));
  if (elsewhere !== undefined) return elsewhere.path;
  const containing = key.length < 4 ? undefined : known.find((name) => plain(name).includes(plain(key)));
  if (containing !== undefined) return prefix + containing;
  const tolerance = Math.max(1, Math.floor(key.length / 3));
  const ranked = known
    .map((name) => ({ name, errors: distance(plain(name), plain(key)) }))
    .sort((a, b) => a.errors - b.errors)[0];
  return ranked !== undefined && ranked.errors <= tolerance ? prefix + ranked.name : undefined;
}

function defaultHint(field: RecipeField): string {
  return field.defaultValue === null ? "Leave it out to do without." : `The default is ${show(field.defaultValue)}.`;
}

/** A value as an error or a help text shows it. */
export function show(value: unknown): string {
  if (value === undefined) return "nothing";
  return JSON.stringify(value)
    .replaceAll(",", ", ")
    .replaceAll(/"(\w+)":/g, "$1: ");
}
