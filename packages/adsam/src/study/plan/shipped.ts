/** The studies that come with adsam. */
import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { shippedFiles } from "../../shipped-files.js";
import type { StudyFile } from "./schema.js";

export const shippedStudies = shippedFiles("studies", "study");

/** What a list of them says; their recipes are not checked. */
export function shippedSummaries(): { name: string; title: string; systems: string[] }[] {
  return shippedStudies.names().map((name) => {
    const { title, systems } = parse(readFileSync(shippedStudies.pathOf(name), "utf8")) as Pick<
      StudyFile,
      "title" | "systems"
    >;
    return { name, title, systems: Object.keys(systems) };
  });
}
