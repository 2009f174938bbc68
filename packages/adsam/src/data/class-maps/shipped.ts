import { shippedFiles } from "../../shipped-files.js";
import { type ClassMap, readClassMap } from "./class-map.js";

/** A file a map, with the reasons of doubtful cases. */
const shipped = shippedFiles("label-maps", "label map");

/** The maps that come with the project, by name: `camvid-to-idd-lite`. */
export async function shippedClassMaps(): Promise<ReadonlyMap<string, ClassMap>> {
  const named = async (name: string) => [name, { ...(await readClassMap(shipped.pathOf(name))), title: name }] as const;
  return new Map(await Promise.all(shipped.names().map(named)));
}
