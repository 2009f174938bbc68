/** One door to every data set: by name, or by what its folder looks like. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { isBdd100k, openBdd100k } from "./bdd100k.js";
import { isCamvid, openCamvid } from "./camvid.js";
import { isCityscapes, openCityscapes } from "./cityscapes.js";
import type { Dataset } from "./dataset.js";
import { foldersIn, isFile, isFolder } from "./files.js";
import { descriptionNames, findDescription, openFolder } from "./folder.js";
import { isIddLite, openIddLite } from "./idd-lite.js";

interface Reader {
  readonly layout: string;
  matches(root: string): Promise<boolean>;
  open(root: string, split: string): Promise<Dataset>;
}

/** In the order in which they are tried: a description of one's own says more than a layout does. */
const readers = {
  folder: {
    layout: `a description, ${descriptionNames[0]} (two directories and a class list)`,
    matches: async (root) => (await findDescription(root)) !== undefined,
    open: openFolder,
  },
  cityscapes: {
    layout: "leftImg8bit/<split>/<city>/*_leftImg8bit.png (Cityscapes)",
    matches: isCityscapes,
    open: openCityscapes,
  },
  bdd100k: { layout: "images/10k/<split> and labels/sem_seg (BDD100K)", matches: isBdd100k, open: openBdd100k },
  camvid: { layout: "<split> and <split>annot (CamVid in SegNet's form)", matches: isCamvid, open: openCamvid },
  "idd-lite": {
    layout: "leftImg8bit/<split>/<drive>/*_image.jpg and gtFine/<split>/<drive>/*_label.png (IDD, IDD-Lite)",
    matches: isIddLite,
    open: openIddLite,
  },
} satisfies Record<string, Reader>;

export type DatasetKind = keyof typeof readers;
export const datasetKinds = Object.keys(readers) as readonly DatasetKind[];

export interface DatasetLocation {
  readonly kind: DatasetKind | "auto";
  /** The data set's folder, or the path of a folder's description. */
  readonly root: string;
  readonly split: string;
}

/**
 * Lists a split's files; reads no picture.
 * @throws Problem naming what is missing; for `auto`, everything that was looked for.
 */
export async function openDataset({ kind, root, split }: DatasetLocation): Promise<Dataset> {
  const place = path.resolve(root);
  if (!(await isFolder(place)) && !(await isFile(place)))
    throw new Problem({ what: `data set "${root}"`, found: "no such folder", expected: "the data set's root folder" });
  return readers[kind === "auto" ? await detect(place) : kind].open(place, split);
}

/** @throws Problem that lists every layout looked for. */
export async function detect(root: string): Promise<DatasetKind> {
  for (const kind of datasetKinds) if (await readers[kind].matches(root)) return kind;
  const present = await foldersIn(root);
  throw new Problem({
    what: `data set "${root}"`,
    found: present.length > 0 ? present.slice(0, 8).join(", ") : "an empty folder",
    expected: `one of: ${datasetKinds.map((kind) => readers[kind].layout).join("; ")}`,
    todo: `Point to the folder that holds these, or describe your own in a ${descriptionNames[0]}.`,
  });
}
