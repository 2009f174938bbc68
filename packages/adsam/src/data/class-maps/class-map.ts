/**
 * What the classes of one set are called in another, as a file says it:
 *
 *     from: CamVid            # titles, for people
 *     to: IDD-Lite
 *     classes:                # every class of `from`, once
 *       road: drivable
 *       tree: { to: far objects, because: "…" }
 *       bicyclist: ignored    # of no class: labels count nowhere, a network answers with its next best class
 */
import { readFile } from "node:fs/promises";
import { Problem } from "@adsam/torch/problem";
import { isMap, isScalar, LineCounter, parseDocument, type YAMLMap } from "yaml";
import { reasonOf } from "../files.js";
import { IGNORE } from "../labels.js";

/** Said instead of a class: none. */
export const ignored = "ignored";

export interface ClassMap {
  /** How messages call it: the file. */
  readonly title: string;
  readonly from: string;
  readonly to: string;
  /** Class of `from` → class of `to`, or {@link ignored}; in the file's order, its spelling. */
  readonly targets: ReadonlyMap<string, string>;
  /** Class of `from` → why, where the file says so. */
  readonly because: ReadonlyMap<string, string>;
}

/** Class names are the same in any case, with blanks, hyphens or underscores: `Traffic_Light` is `traffic light`. */
export const folded = (name: string): string =>
  name
    .toLowerCase()
    .replaceAll(/[-_\s]+/g, " ")
    .trim();

/** @throws Problem for a file that cannot be read, is no map of classes, or maps a class to two */
export async function readClassMap(file: string): Promise<ClassMap> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new Problem(
      { what: `label map "${file}"`, found: reasonOf(error), expected: "a YAML file" },
      { cause: error },
    );
  }
  return parseClassMap(text, file);
}

/** {@link readClassMap} for text already in memory. */
export function parseClassMap(text: string, title: string): ClassMap {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: false }); // twice the same key is told of below, by name
  const refuse = (what: string, found: string, expected: string) =>
    new Problem({ what: `label map "${title}"${what}`, found, expected });
  const broken = document.errors[0];
  if (broken) throw refuse("", broken.message.split("\n")[0]!, "YAML");
  const root = document.contents;
  const classes = isMap(root) ? root.get("classes") : undefined;
  const [from, to] = ["from", "to"].map((key) => (isMap(root) ? root.get(key) : undefined));
  if (!isMap(classes) || typeof from !== "string" || typeof to !== "string")
    throw refuse("", "something else", "the keys from and to (names of class sets) and classes (a map of class names)");
  const unknown = (root as YAMLMap).items
    .map(({ key }) => String(key))
    .find((key) => !["from", "to", "classes"].includes(key));
  if (unknown !== undefined) throw refuse("", `the key "${unknown}"`, "from, to, classes");
  const targets = new Map<string, string>();
  const because = new Map<string, string>();
  for (const { key, value } of classes.items) {
    const name = String(isScalar(key) ? key.value : key);
    const line = isScalar(key) ? lines.linePos(key.range?.[0] ?? 0).line : 1;
    const [target, why] = isMap(value)
      ? [value.get("to"), value.get("because")]
      : [isScalar(value) ? value.value : undefined, undefined];
    if (typeof target !== "string")
      throw refuse(`, line ${line}`, `"${name}" to no class`, `${name}: a class of ${to}, or ${ignored}`);
    const same = [...targets].find(([other]) => folded(other) === folded(name));
    if (same && folded(same[1]) !== folded(target))
      throw refuse(`, line ${line}`, `"${name}" to "${target}", and before that to "${same[1]}"`, "one class each");
    if (!same) targets.set(name, target);
    if (typeof why === "string") because.set(name, why);
  }
  return { title, from, to, targets, because };
}

/**
 * The map as a table of ids.
 * @param from, to names of the classes of both sets, in the order of their ids
 * @returns [from.length]: the id in `to`, or {@link IGNORE}
 * @throws Problem naming a class of `from` that the map leaves out, one that it names and `from` has not, and a target that is not in `to`
 */
export function classIds(map: ClassMap, from: readonly string[], to: readonly string[]): Uint8Array {
  const what = `label map "${map.title}", ${map.from} → ${map.to}`;
  const quoted = (names: readonly string[]) => names.map((name) => `"${name}"`).join(", ");
  const known = new Set(from.map(folded));
  const strangers = [...map.targets.keys()].filter((name) => !known.has(folded(name)));
  if (strangers.length > 0)
    throw new Problem({ what, found: `${quoted(strangers)}, no class to map`, expected: `each of ${from.join(", ")}` });
  const targets = new Map([...map.targets].map(([name, target]) => [folded(name), target]));
  const left = from.filter((name) => !targets.has(folded(name)));
  if (left.length > 0)
    throw new Problem({
      what,
      found: `nothing about ${quoted(left)}`,
      expected: "every class named",
      todo: `Add each with a class of ${map.to}, or with "${ignored}".`,
    });
  const ids = new Map(to.map((name, id) => [folded(name), id]));
  return Uint8Array.from(from, (name) => {
    const target = targets.get(folded(name))!;
    const id = ids.get(folded(target));
    if (id !== undefined) return id;
    if (folded(target) === ignored) return IGNORE;
    throw new Problem({ what, found: `"${name}" to "${target}"`, expected: `one of ${to.join(", ")}, or ${ignored}` });
  });
}
