/** Studies that begin with another's entries: `extends: small`. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { show } from "../../train/recipe-fields.js";
import { readYaml, type YamlFile } from "./lines.js";
import { studySchema } from "./schema.js";
import { shippedStudies } from "./shipped.js";

export interface StudyTree extends YamlFile {
  readonly tree: Readonly<Record<string, unknown>>;
}

/**
 * A study's file over the one that it extends, a shipped study or a file beside it, which may extend another.
 * @throws Problem for a file that cannot be read, is no map, or extends itself
 */
export function readExtended(file: string, below: readonly string[] = []): StudyTree {
  const yaml = readYaml(file);
  const { extends: given, ...own } = requireMap(yaml);
  if (given === undefined) return { ...yaml, tree: own };
  const what = `study ${yaml.at(["extends"])}, key "extends"`;
  if (typeof given !== "string")
    throw new Problem({ what, found: show(given), expected: "the name of a shipped study, or a YAML file" });
  const chain = [...below, path.resolve(file)];
  const base = shippedStudies.resolve(given, { beside: path.dirname(file), what });
  if (chain.includes(base)) throw new Problem({ what, found: "a study that extends itself", expected: "another" });
  const under = readExtended(base, chain);
  return {
    shown: yaml.shown,
    tree: merged(under.tree, own) as StudyTree["tree"],
    has: (keys) => yaml.has(keys) || under.has(keys),
    at: (keys) => (under.has(keys) && !yaml.has(keys) ? under : yaml).at(keys),
  };
}

/** `over` on `under`: maps entry by entry, all else whole; null takes out, but among a recipe's fields, where it is a value. */
export function merged(under: unknown, over: unknown, isRecipe = false): unknown {
  const isMap = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null && !Array.isArray(value);
  if (!isMap(under) || !isMap(over)) return over;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over))
    if (value === null && !isRecipe) delete result[key];
    else result[key] = merged(under[key], value, isRecipe || key === "recipe");
  return result;
}

function requireMap({ tree, shown }: YamlFile): Record<string, unknown> {
  if (typeof tree === "object" && tree !== null && !Array.isArray(tree)) return tree as Record<string, unknown>;
  const expected = `the keys ${["extends", ...Object.keys(studySchema.shape), "quick"].join(", ")}`;
  throw new Problem({ what: `study ${shown}`, found: tree === null ? "an empty file" : show(tree), expected });
}
