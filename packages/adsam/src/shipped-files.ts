/** YAML files that come with adsam and are called by their names: studies, recipes, label maps. */
import { existsSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Problem } from "@adsam/torch/problem";

export interface ShippedFiles {
  /** In the order of the alphabet. */
  names(): string[];
  pathOf(name: string): string;
  /** Whether a word names one of them, and nothing in the current folder. */
  has(word: string): boolean;
  /**
   * The file that a word names, absolute. A path, or whatever is there, is taken for itself.
   * @param place.beside folder that a path starts at; default: the current one
   * @param place.what who names it, for the error
   * @throws Problem for a name that is none of them
   */
  resolve(word: string, place?: { readonly beside?: string; readonly what?: string }): string;
}

/**
 * @param folder of this package
 * @param kind what one of them is
 */
export function shippedFiles(folder: "label-maps" | "recipes" | "studies", kind: string): ShippedFiles {
  const root = fileURLToPath(new URL(`../../${folder}`, import.meta.url)); // from dist/src
  const pathOf = (name: string) => path.join(root, `${name}.yaml`);
  const names = () =>
    readdirSync(root)
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => path.basename(file, ".yaml"))
      .sort();
  return {
    names,
    pathOf,
    has: (word) => names().includes(word) && !existsSync(word),
    resolve(word, { beside = ".", what = kind } = {}) {
      const file = path.resolve(beside, word);
      if (/[./\\]/.test(word) || existsSync(file)) return file;
      const known = names();
      if (known.includes(word)) return pathOf(word);
      const expected = `${known.length > 1 ? "one of " : ""}${known.join(", ")}, or the path of a YAML file`;
      throw new Problem({ what, found: `"${word}"`, expected });
    },
  };
}
