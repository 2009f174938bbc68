import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, relative, resolve } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { isMap, isScalar, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from "yaml";
import { checkedValue, recipeField, recipeFields, unknownKeyProblem } from "./recipe-fields.js";
import { type RecipeGroup, recipeGroups } from "./recipe-schema.js";
import { isInputPath } from "./recipe-values.js";
import { shippedRecipes } from "./shipped-recipes.js";

/** Field path → the value a file gives it, and where: `demo.yaml:12`. */
export type FileValues = Map<string, { readonly value: unknown; readonly source: string }>;

/**
 * The fields that a recipe sets, a file or one that comes with adsam, by its name; those of the recipes it `extends` beneath its own.
 * Nothing is filled in.
 * A relative input path (data, weights) means relative to the file that names it, and comes out absolute.
 * @throws Problem with file and line: unreadable file, YAML error, unknown key, wrong value, a circle of `extends`
 */
export function readRecipeFile(file: string, above: readonly string[] = []): FileValues {
  const path = shippedRecipes.resolve(file);
  const shown = shownPath(path);
  if (above.includes(path)) {
    throw new Problem({
      what: `recipe ${shown} extends itself`,
      found: [...above.slice(above.indexOf(path)), path].map(shownPath).join(" → "),
      todo: "Take one `extends` out.",
    });
  }
  const lines = new LineCounter();
  const document = parseDocument(readText(path, shown), { lineCounter: lines });
  const at = (node: Node | null | undefined) => `${shown}:${lines.linePos(node?.range?.[0] ?? 0).line}`;
  const broken = document.errors[0];
  if (broken !== undefined) {
    const line = broken.linePos?.[0].line ?? 1;
    throw new Problem({
      what: `recipe ${shown}:${line} is not valid YAML`,
      found: firstLine(broken.message),
      todo: "Mend that line; groups are indented by two spaces.",
    });
  }
  const values: FileValues = new Map();
  if (document.contents === null) return values;
  const root = asMap(document.contents as Node, `recipe ${at(document.contents as Node)}`, "groups of keys");
  for (const pair of root.items as Pair<Node, Node | null>[]) {
    const key = keyOf(pair);
    if (key === "extends") {
      const base = isScalar(pair.value) ? pair.value.value : undefined;
      const what = `recipe ${at(pair.key)}, key "extends"`;
      if (typeof base !== "string")
        throw new Problem({ what, expected: "the path of another recipe, or the name of one that comes with adsam" });
      const file = shippedRecipes.resolve(base, { beside: dirname(path), what });
      const beneath = readRecipeFile(file, [...above, path]);
      for (const [field, value] of beneath) if (!values.has(field)) values.set(field, value);
      continue;
    }
    if (!Object.hasOwn(recipeGroups, key)) {
      const where = `recipe ${at(pair.key)}`;
      throw unknownKeyProblem(where, key, [...Object.keys(recipeGroups), "extends"], "");
    }
    readGroup(key as RecipeGroup, pair, values, { at, folder: dirname(path) });
  }
  return values;
}

interface Place {
  at(node: Node | null | undefined): string;
  readonly folder: string;
}

function readGroup(group: RecipeGroup, pair: Pair<Node, Node | null>, values: FileValues, { at, folder }: Place): void {
  if (pair.value === null || (isScalar(pair.value) && pair.value.value === null)) return; // `data:` and nothing below
  const keys = Object.keys(recipeGroups[group].shape);
  const map = asMap(pair.value, `recipe ${at(pair.key)}, key "${group}"`, `keys below it (${keys.join(", ")})`);
  for (const entry of map.items as Pair<Node, Node | null>[]) {
    const key = keyOf(entry);
    const field = recipeField(`${group}.${key}`);
    const source = at(entry.key);
    if (field === undefined) throw unknownKeyProblem(`recipe ${source}`, key, keys, `${group}.`);
    const given = (entry.value as { toJSON?(): unknown } | null)?.toJSON?.() ?? null;
    const value = checkedValue(field, given, `recipe ${source}, key "${field.path}"`);
    values.set(field.path, { value: isInputPath(field.meta, value) ? absolute(value, folder) : value, source });
  }
}

/** `~` is the home folder; a relative path starts at `folder`. */
export function absolute(path: string, folder: string): string {
  if (path === "~" || path.startsWith("~/")) return resolve(homedir(), path.slice(2));
  return isAbsolute(path) ? path : resolve(folder, path);
}

function readText(path: string, shown: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new Problem(
      {
        what: `recipe ${shown} cannot be read`,
        found: code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : String(code),
        expected: "a YAML file",
        todo: `Keys are, for example, ${recipeFields[1]?.path} and optim.lr; adsam train --print-recipe prints a whole one.`,
      },
      { cause: error },
    );
  }
}

function asMap(node: Node, where: string, expected: string): YAMLMap {
  if (isMap(node)) return node;
  const found = isScalar(node) ? JSON.stringify(node.value) : "a list";
  throw new Problem({ what: where, found, expected });
}

function keyOf(pair: Pair<Node, Node | null>): string {
  return String(isScalar(pair.key) ? pair.key.value : pair.key);
}

function shownPath(path: string): string {
  const short = relative(process.cwd(), path);
  return short.startsWith("..") ? path : short;
}

function firstLine(message: string): string {
  return (message.split("\n")[0] ?? message).replace(/ at line \d+, column \d+:?$/, "");
}
