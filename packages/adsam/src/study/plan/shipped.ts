/** The studies that come with adsam: `studies` of this package, a file each. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Problem } from "@adsam/torch/problem";
import { parse } from "yaml";
import type { StudyFile } from "./schema.js";

const folder = fileURLToPath(new URL("../../../../studies", import.meta.url)); // from dist/src/study/plan

/** Their names, in the order of the alphabet. */
export const shippedStudies = (): string[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => path.basename(file, ".yaml"))
    .sort();

/** What a list of them says; their recipes are not checked. */
export function shippedSummaries(): { name: string; title: string; systems: string[] }[] {
  return shippedStudies().map((name) => {
    const { title, systems } = parse(readFileSync(path.join(folder, `${name}.yaml`), "utf8")) as Pick<
      StudyFile,
      "title" | "systems"
    >;
    return { name, title, systems: Object.keys(systems) };
  });
}

/**
 * The file of a study by its name; undefined where the word is a path.
 * @throws Problem for a name that is none of them
 */
export function shippedStudy(word: string): string | undefined {
  if (/[./\\]/.test(word) || existsSync(word)) return undefined;
  const names = shippedStudies();
  if (names.includes(word)) return path.join(folder, `${word}.yaml`);
  const expected = `one of ${names.join(", ")}, or the path of a YAML file`;
  throw new Problem({ what: "study", found: `"${word}"`, expected });
}
