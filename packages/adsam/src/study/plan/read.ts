/** A study's file, read and checked as far as the file alone can tell. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { z } from "zod";
import { nearestKey, show } from "../../train/recipe-fields.js";
import { readRecipeFile } from "../../train/recipe-file.js";
import { shippedRecipes } from "../../train/shipped-recipes.js";
import { merged, readExtended } from "./extend.js";
import { type FieldValues, isDecided, readFragment } from "./fragment.js";
import type { KeyPath } from "./lines.js";
import { requireNames } from "./names.js";
import { type StudyFile, studySchema } from "./schema.js";
import { shippedStudies } from "./shipped.js";

/** A study, with the fields of its recipes checked. */
export interface Study extends StudyFile {
  /** The file's name without its end: `small`. */
  readonly name: string;
  /** The name or the file, as a command line gives it. */
  readonly given: string;
  readonly file: string;
  readonly quick: boolean;
  /** Fields of every run. */
  readonly common: FieldValues;
  /** System, data set, experiment → fields. Those of a system's own recipe file are among its fields, but for what the study decides. */
  readonly fields: Readonly<Record<"systems" | "data" | "experiments", ReadonlyMap<string, FieldValues>>>;
  /** Keys → `small.yaml:12`. */
  at(keys: KeyPath): string;
}

/**
 * @param given a file, or the name of a study that comes with adsam
 * @param options.quick the short form: what stands below `quick` replaces what it names; maps are merged, null takes an entry out
 * @throws Problem naming line and key
 */
export function readStudy(given: string, { quick = false }: { readonly quick?: boolean } = {}): Study {
  const file = shippedStudies.resolve(given);
  const yaml = readExtended(file);
  const { quick: short, ...long } = yaml.tree;
  if (quick && (typeof short !== "object" || short === null))
    throw new Problem({ what: `study ${yaml.shown}, --quick`, found: "no quick form", expected: 'a key "quick"' });
  const tree = quick ? merged(long, short) : long;
  const quickly = (keys: KeyPath) => (quick && yaml.has(["quick", ...keys]) ? ["quick", ...keys] : keys);
  const at = (keys: KeyPath) => yaml.at(quickly(keys));
  const { success, data, error } = studySchema.safeParse(tree);
  if (!success) throw refusal(error.issues[0]!, tree, at);
  requireNames(data, at);
  const folder = path.dirname(path.resolve(file));
  const fragment = (keys: readonly string[], groups: Readonly<Record<string, unknown>>) =>
    readFragment(groups, { key: keys.join("."), at: (below) => at([...keys, ...below]), folder });
  const all = (group: "systems" | "data" | "experiments") =>
    new Map(Object.entries(data[group]).map(([name, { recipe }]) => [name, fragment([group, name, "recipe"], recipe)]));
  const systems = new Map(
    [...all("systems")].map(([name, fields]) => {
      const own = data.systems[name]!.file;
      if (own === undefined) return [name, fields];
      const keys = ["systems", name, "file"];
      const what = `study ${at(keys)}, key "${keys.join(".")}"`;
      const whole = [...readRecipeFile(shippedRecipes.resolve(own, { beside: folder, what }))];
      return [name, new Map([...whole.filter(([field]) => !isDecided(field)), ...fields])];
    }),
  );
  return {
    ...data,
    name: path.basename(file).replace(/\.ya?ml$/i, ""),
    given,
    file,
    quick,
    common: fragment(["recipe"], data.recipe),
    fields: { systems, data: all("data"), experiments: all("experiments") },
    at,
  };
}

function refusal(issue: z.core.$ZodIssue, tree: unknown, at: (keys: KeyPath) => string): Problem {
  const keys = issue.path.map(String);
  if (issue.code === "unrecognized_keys") {
    const key = issue.keys[0]!;
    const known = keysOf(keys);
    const near = nearestKey(key, known);
    return new Problem({
      what: `study ${at([...keys, key])}, unknown key "${[...keys, key].join(".")}"`,
      expected: `one of ${known.join(", ")}`,
      ...(near !== undefined && known.includes(near) && { todo: `Did you mean "${near}"?` }),
    });
  }
  const found = issue.path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown>)?.[key], tree);
  const bare = issue.code === "invalid_key" ? (issue.issues[0]?.message ?? issue.message) : issue.message;
  return new Problem({
    what: `study ${at(keys)}, key "${keys.join(".")}"`,
    found: issue.code === "invalid_key" ? `the name "${keys.at(-1)}"` : show(found),
    expected: bare.replace(/^Invalid (?:input|option): expected /, "").replace(/, received .*$/, ""),
  });
}

/** The keys that may stand below a place. */
function keysOf(keys: readonly string[]): string[] {
  let schema: unknown = studySchema;
  for (const key of keys) schema = below(schema, key);
  return Object.keys((unwrapped(schema) as { shape?: object } | undefined)?.shape ?? {});
}

function below(schema: unknown, key: string): unknown {
  const { shape, valueType } = unwrapped(schema) as { shape?: Record<string, unknown>; valueType?: unknown };
  return shape?.[key] ?? valueType;
}

/** Without what says that a value may be left out. */
function unwrapped(schema: unknown): unknown {
  const inner = (schema as { def?: { innerType?: unknown } } | undefined)?.def?.innerType;
  return inner === undefined ? schema : unwrapped(inner);
}
