import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { type ClassMap, readClassMap } from "./class-map.js";

/** `label-maps` of this package: a file a map, with the reasons of doubtful cases. */
const folder = fileURLToPath(new URL("../../../../label-maps", import.meta.url));

/** The maps that come with the project, by name: `camvid-to-idd-lite`. */
export async function shippedClassMaps(): Promise<ReadonlyMap<string, ClassMap>> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml")).sort();
  const maps = await Promise.all(files.map((file) => readClassMap(path.join(folder, file))));
  return new Map(
    maps.map((map) => {
      const name = path.basename(map.title, ".yaml");
      return [name, { ...map, title: name }];
    }),
  );
}
