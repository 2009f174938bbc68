/** Where in a YAML file something stands. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { isMap, isPair, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from "yaml";

export type KeyPath = readonly PropertyKey[];

export interface YamlFile {
  /** As errors name it. */
  readonly shown: string;
  readonly tree: unknown;
  /** `small.yaml:12`, of the nearest key above where there is no such one. */
  at(keys: KeyPath): string;
  has(keys: KeyPath): boolean;
}

/** @throws Problem for a file that cannot be read or is no YAML, with its line */
export function readYaml(file: string): YamlFile {
  const short = path.relative(process.cwd(), path.resolve(file));
  const shown = short.startsWith("..") ? path.resolve(file) : short;
  const lines = new LineCounter();
  const document = parseDocument(textOf(file, shown), { lineCounter: lines, merge: true });
  const broken = document.errors[0];
  if (broken !== undefined)
    throw new Problem({
      what: `study ${shown}:${broken.linePos?.[0].line ?? 1} is not valid YAML`,
      found: (broken.message.split("\n")[0] ?? "").replace(/ at line \d+, column \d+:?$/, ""),
      todo: "Mend that line.",
    });
  const root = document.contents as Node | null;
  return {
    shown,
    tree: document.toJS() as unknown,
    at: (keys) => `${shown}:${lines.linePos(nearest(root, keys).node?.range?.[0] ?? 0).line}`,
    has: (keys) => nearest(root, keys).depth === keys.length,
  };
}

/** The key of the deepest entry on the way that is there. */
function nearest(root: Node | null, keys: KeyPath): { readonly node: Node | null; readonly depth: number } {
  let [value, node, depth] = [root, root, 0];
  for (const key of keys) {
    const next: Pair<Node, Node | null> | Node | undefined = isMap(value)
      ? (value.items as Pair<Node, Node | null>[]).find((pair) => isScalar(pair.key) && String(pair.key.value) === key)
      : isSeq(value)
        ? (value.items[Number(key)] as Node | undefined)
        : undefined;
    if (next === undefined) break;
    [node, value] = isPair(next) ? [next.key as Node, next.value as Node | null] : [next as Node, next as Node];
    depth++;
  }
  return { node, depth };
}

function textOf(file: string, shown: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const found = code === "ENOENT" ? "no such file" : code === "EISDIR" ? "a folder" : String(code);
    const todo = "`adsam study list` names the studies that come with adsam.";
    throw new Problem(
      { what: `study ${shown} cannot be read`, found, expected: "a YAML file", todo },
      { cause: error },
    );
  }
}
