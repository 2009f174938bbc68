/**
 * A folder of one's own: two directories and a class list in `dataset.yaml`.
 *
 *     images: images/{split}        # {split} becomes train, val, …
 *     labels: labels/{split}
 *     names: [road, car, sky]       # class k is names[k]
 *     ids: [7, [26, 27], 23]        # optional: the id, or ids, of each class in the label pictures; otherwise 0, 1, 2, …
 *     colours: [[128, 64, 128], [0, 0, 142], [70, 130, 180]]      # optional
 *     ignore: [255, 0]              # optional: ids that count nowhere; otherwise 255
 *     imageSuffix: _image           # optional: ends of the file names, without the extension, that are not part of the pair's name
 *     labelSuffix: _label
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { parse } from "yaml";
import { z } from "zod";
import { type Dataset, missingFolder, pair } from "./dataset.js";
import { foldersIn, isFile, isFolder, listFiles, reasonOf, stem } from "./files.js";
import { classTable, IGNORE, idToTrainId, type Label, MAX_CLASSES, type Rgb } from "./labels.js";
import { pictureExtensions } from "./picture.js";

/** Names under which a folder's description is looked for. */
export const descriptionNames: readonly string[] = ["dataset.yaml", "dataset.yml", "classes.yaml", "classes.yml"];

const id = z.number().int().min(0).max(65535);
const byte = z.number().int().min(0).max(255);
const schema = z.strictObject({
  name: z.string().min(1).optional(),
  images: z.string().min(1).default("images/{split}"),
  labels: z.string().min(1).default("labels/{split}"),
  names: z.array(z.string().min(1)).min(1).max(MAX_CLASSES),
  ids: z.array(z.union([id, z.array(id).min(1)])).optional(),
  colours: z.array(z.tuple([byte, byte, byte])).optional(),
  ignore: z.array(id).default([IGNORE]),
  imageSuffix: z.string().default(""),
  labelSuffix: z.string().default(""),
});
export type FolderDescription = z.infer<typeof schema>;

/** The description's path: `root` itself where it is a YAML file, or one of {@link descriptionNames} in it. */
export async function findDescription(root: string): Promise<string | undefined> {
  if (/\.ya?ml$/i.test(root) && (await isFile(root))) return root;
  for (const name of descriptionNames) if (await isFile(path.join(root, name))) return path.join(root, name);
  return undefined;
}

/**
 * @param root the folder that holds a description, or the description's own path; its paths are relative to it.
 * @throws Problem for a description that is missing or wrong (by key), and for missing folders.
 */
export async function openFolder(root: string, split: string): Promise<Dataset> {
  const file = await findDescription(root);
  if (!file) throw missingFolder("a folder data set", `or file ${descriptionNames[0]}`, root, await foldersIn(root));
  const description = await readDescription(file);
  const base = path.dirname(file);
  const at = (pattern: string): string => path.resolve(base, pattern.replaceAll("{split}", split));
  const [images, labels] = [at(description.images), at(description.labels)];
  if (!(await isFolder(images))) throw missingFolder(`"${file}"`, description.images, base, await foldersIn(base));
  const table = tableOf(description, file);
  const pictures = await keyed(images, description.imageSuffix, (name) => pictureExtensions.has(name));
  const masks = (await isFolder(labels))
    ? await keyed(labels, description.labelSuffix, (name) => name === ".png")
    : new Map();
  return {
    name: description.name ?? path.basename(base),
    root: base,
    split,
    classes: classTable(table),
    labels: table,
    labelIdToTrainId: idToTrainId(table),
    ...pair(pictures, masks),
  };
}

/** Files of a folder by their path without suffix and extension. */
async function keyed(folder: string, suffix: string, wanted: (ext: string) => boolean): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const file of await listFiles(folder)) {
    const name = stem(file);
    if (!wanted(path.extname(file).toLowerCase()) || !name.endsWith(suffix)) continue;
    const key = name.slice(0, name.length - suffix.length);
    const other = found.get(key);
    if (other) {
      const todo = "Give each picture a name of its own.";
      throw new Problem({
        what: `folder "${folder}"`,
        found: `two files called ${key}: "${other}" and "${file}"`,
        todo,
      });
    }
    found.set(key, path.join(folder, file));
  }
  return found;
}

export async function readDescription(file: string): Promise<FolderDescription> {
  let value: unknown;
  try {
    value = parse(await readFile(file, "utf8"));
  } catch (error) {
    throw new Problem({ what: `data set description "${file}"`, found: reasonOf(error), expected: "a YAML file" });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const found = parsed.error.issues.map(({ path: at, message }) =>
    at.length > 0 ? `${at.join(".")}: ${message}` : message,
  );
  const expected = `the keys ${Object.keys(schema.shape).join(", ")}, of which names is needed`;
  throw new Problem({ what: `data set description "${file}"`, found: found.join("; "), expected });
}

function tableOf({ names, ids, colours, ignore }: FolderDescription, file: string): Label[] {
  for (const [key, list] of Object.entries({ ids, colours }))
    if (list && list.length !== names.length) {
      const expected = `${names.length}, one a name`;
      throw new Problem({
        what: `data set description "${file}", key "${key}"`,
        found: `${list.length} entries`,
        expected,
      });
    }
  const rows: Label[] = [];
  for (const [trainId, name] of names.entries()) {
    const own = ids?.[trainId] ?? trainId;
    const colour = colours?.[trainId] ?? distinctColour(trainId);
    for (const each of Array.isArray(own) ? own : [own])
      rows.push({ id: each, trainId, name, colour, category: name, ignored: false });
  }
  const taken = new Map(rows.map((row) => [row.id, row.name]));
  for (const each of new Set(ignore)) {
    const owner = taken.get(each);
    if (owner !== undefined) {
      const what = `data set description "${file}", key "ignore"`;
      throw new Problem({ what, found: `id ${each}, which is also the class "${owner}"`, expected: "ids of no class" });
    }
    rows.push({
      id: each,
      trainId: IGNORE,
      name: `ignored ${each}`,
      colour: [0, 0, 0],
      category: "void",
      ignored: true,
    });
  }
  return rows;
}

/** A colour of its own for class `k`: hues a golden angle apart, in three depths. */
export function distinctColour(k: number): Rgb {
  const hue = (k * 137.508) % 360;
  const value = [0.95, 0.7, 0.5][k % 3]!;
  const channel = (n: number): number => {
    const phase = (n + hue / 60) % 6;
    return Math.round(255 * value * (1 - 0.75 * Math.max(0, Math.min(phase, 4 - phase, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}
