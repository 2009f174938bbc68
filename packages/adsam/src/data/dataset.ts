/** What a data set is, once its folders have been read: plain data, so that it travels to worker threads as it is. */
import { Problem } from "@adsam/torch/problem";
import type { ClassTable, IdLookup, Label } from "./labels.js";
import { Random } from "./random.js";

export interface Sample {
  /** Unique in the data set, without an extension: `aachen/aachen_000000_000019`. */
  readonly id: string;
  readonly imagePath: string;
  /** Absent where the picture has no label (a test split, a half-copied folder). */
  readonly labelPath?: string;
}

export interface Dataset {
  /** `Cityscapes`, `BDD100K`, `CamVid`, `IDD-Lite`, or a folder's name. */
  readonly name: string;
  readonly root: string;
  readonly split: string;
  readonly classes: ClassTable;
  /** Every id its label pictures may hold. */
  readonly labels: readonly Label[];
  /** 65536 entries: id → train id, 255 ignored, 254 unknown. */
  readonly labelIdToTrainId: IdLookup;
  /** In the order of their ids, or of the data set's own list. */
  readonly samples: readonly Sample[];
  /** Label files of this split that belong to no picture. */
  readonly strayLabels: readonly string[];
  /** How this split came about where the data set has no folder or list for it. */
  readonly division?: string;
  /** Where `draw` made it: of how many samples, by which seed. */
  readonly drawn?: { readonly of: number; readonly seed: number };
}

/** The error for a folder that a layout needs, naming the folder, the layout it belongs to and what is there instead. */
export function missingFolder(layout: string, folder: string, inside: string, present: readonly string[]): Problem {
  const found =
    present.length > 0 ? `only ${present.slice(0, 8).join(", ")}${present.length > 8 ? ", …" : ""}` : "nothing";
  return new Problem({ what: `${layout} under "${inside}"`, found, expected: `the folder ${folder}` });
}

/**
 * The samples with a label; training and evaluation need nothing else.
 * @throws Problem where a picture has none, naming the first few.
 */
export function requireLabels(dataset: Dataset): void {
  const bare = dataset.samples.filter((sample) => sample.labelPath === undefined);
  if (bare.length === 0 && dataset.samples.length > 0) return;
  const what = `${dataset.name}, split "${dataset.split}"`;
  if (dataset.samples.length === 0)
    throw new Problem({ what, found: "no pictures", expected: `pictures under "${dataset.root}"` });
  const names = bare.slice(0, 3).map((sample) => `"${sample.imagePath}"`);
  throw new Problem({
    what,
    found: `${bare.length} of ${dataset.samples.length} pictures without a label: ${names.join(", ")}${bare.length > 3 ? ", …" : ""}`,
    expected: "a label for each picture",
    todo: "Copy the missing labels, or leave those pictures out; `adsam data inspect` lists all of them.",
  });
}

/** The samples at the given places, in that order. */
export function select(dataset: Dataset, indices: readonly number[]): Dataset {
  const samples = indices.map((i) => {
    const sample = dataset.samples[i];
    if (sample) return sample;
    throw new Problem({ what: dataset.name, found: `sample ${i}`, expected: `0…${dataset.samples.length - 1}` });
  });
  return { ...dataset, samples };
}

/** `count` samples drawn without replacement, the same for the same seed, in the data set's order; a smaller count is a subset of a larger one. */
export function draw(dataset: Dataset, count: number, seed: number): Dataset {
  const total = dataset.samples.length;
  if (!Number.isInteger(count) || count < 1 || count > total)
    throw new Problem({ what: `samples of ${dataset.name}`, found: `${count}`, expected: `1 to ${total}` });
  const order = new Random("draw", seed).shuffle(Array.from({ length: total }, (_, i) => i));
  const places = order.slice(0, count).sort((a, b) => a - b);
  return { ...select(dataset, places), drawn: { of: total, seed } };
}

/**
 * Pictures and labels that carry the same key.
 * @param pictures key → path; @param labels key → path.
 */
export function pair(
  pictures: ReadonlyMap<string, string>,
  labels: ReadonlyMap<string, string>,
): { samples: Sample[]; strayLabels: string[] } {
  const samples = [...pictures].map(([id, imagePath]): Sample => {
    const labelPath = labels.get(id);
    return labelPath === undefined ? { id, imagePath } : { id, imagePath, labelPath };
  });
  samples.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
  return { samples, strayLabels: [...labels].filter(([id]) => !pictures.has(id)).map(([, file]) => file) };
}
