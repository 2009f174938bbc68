/** A data set looked through, file by file: which ids, how much of each class, which sizes, and everything that is wrong. */
import type { Dataset } from "./dataset.js";
import type { FileProblem, SampleInspection } from "./inspect-sample.js";
import { type InspectJob, inspectHandler } from "./inspect-worker.js";
import { IGNORE, UNKNOWN } from "./labels.js";
import { defaultWorkers } from "./loader.js";
import { type Size, sizeText } from "./picture.js";
import { InlinePool, type Pool, ThreadPool } from "./worker-pool.js";

export interface IdCount {
  readonly id: number;
  /** `null`: the data set does not define this id. */
  readonly name: string | null;
  /** 255 ignored; `null` where the id is not defined. */
  readonly trainId: number | null;
  readonly pixels: number;
  /** Label files it occurs in. */
  readonly files: number;
}

export interface ClassShare {
  readonly name: string;
  readonly pixels: number;
  /** Of the pixels that are not ignored, 0…1. */
  readonly share: number;
  readonly files: number;
}

/** Plain data, ready for JSON. */
export interface Inspection {
  readonly name: string;
  readonly root: string;
  readonly split: string;
  /** How the split came about where the data set does not say. */
  readonly division?: string;
  readonly pictures: number;
  readonly labels: number;
  /** By id. */
  readonly ids: readonly IdCount[];
  /** By train id, classes that do not occur included. */
  readonly classes: readonly ClassShare[];
  /** Of all labelled pixels, 0…1. */
  readonly ignoredShare: number;
  /** Of the pictures, most frequent first. */
  readonly sizes: readonly (Size & { readonly pictures: number })[];
  /** Missing, damaged, of a wrong kind; labels of another size than their picture. */
  readonly unreadable: readonly FileProblem[];
  readonly picturesWithoutLabel: readonly string[];
  readonly labelsWithoutPicture: readonly string[];
}

export interface InspectOptions {
  /** Threads; 0 works on the caller's. */
  readonly workers?: number;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Looks at every picture and label of a split. Never throws for a bad file: it is reported. */
export async function inspectDataset(dataset: Dataset, options: InspectOptions = {}): Promise<Inspection> {
  const { workers = defaultWorkers(), onProgress } = options;
  const pool: Pool<InspectJob, SampleInspection> =
    workers === 0
      ? new InlinePool(inspectHandler(dataset))
      : new ThreadPool(new URL("./inspect-worker.js", import.meta.url), { inspected: dataset }, workers);
  try {
    const tasks = dataset.samples.map((_, index) => pool.run({ index }));
    const inspections: SampleInspection[] = [];
    for (const task of tasks) {
      inspections.push(await task.result);
      onProgress?.(inspections.length, tasks.length);
    }
    return summarise(dataset, inspections);
  } finally {
    await pool.close();
  }
}

function summarise(dataset: Dataset, inspections: readonly SampleInspection[]): Inspection {
  const ids = new Map<number, { pixels: number; files: number }>();
  const classes = dataset.classes.names.map(() => ({ pixels: 0, files: 0 }));
  const sizes = new Map<string, Size & { pictures: number }>();
  let [counted, ignored] = [0, 0];
  for (const inspection of inspections) {
    const here = new Set<number>();
    for (const [id, pixels] of inspection.ids) {
      const sum = ids.get(id) ?? { pixels: 0, files: 0 };
      ids.set(id, { pixels: sum.pixels + pixels, files: sum.files + 1 });
      const trainId = dataset.labelIdToTrainId[id]!;
      if (trainId === IGNORE) ignored += pixels;
      else if (trainId !== UNKNOWN) {
        counted += pixels;
        classes[trainId]!.pixels += pixels;
        here.add(trainId);
      }
    }
    for (const trainId of here) classes[trainId]!.files++;
    if (!inspection.size) continue;
    const key = sizeText(inspection.size);
    const sum = sizes.get(key) ?? { ...inspection.size, pictures: 0 };
    sum.pictures++;
    sizes.set(key, sum);
  }
  const named = new Map(dataset.labels.map((label) => [label.id, label]));
  const withLabel = dataset.samples.filter((sample) => sample.labelPath !== undefined);
  return {
    name: dataset.name,
    root: dataset.root,
    split: dataset.split,
    ...(dataset.division === undefined ? {} : { division: dataset.division }),
    pictures: dataset.samples.length,
    labels: withLabel.length,
    ids: [...ids]
      .map(([id, sum]) => ({ id, name: named.get(id)?.name ?? null, trainId: named.get(id)?.trainId ?? null, ...sum }))
      .sort((a, b) => a.id - b.id),
    classes: classes.map((sum, k) => ({
      name: dataset.classes.names[k]!,
      ...sum,
      share: counted === 0 ? 0 : sum.pixels / counted,
    })),
    ignoredShare: counted + ignored === 0 ? 0 : ignored / (counted + ignored),
    sizes: [...sizes.values()].sort((a, b) => b.pictures - a.pictures),
    unreadable: inspections.flatMap((inspection) => inspection.problems),
    picturesWithoutLabel: dataset.samples.filter((s) => s.labelPath === undefined).map((s) => s.imagePath),
    labelsWithoutPicture: dataset.strayLabels,
  };
}

/** What keeps the data set from being trained on or scored, in sentences; empty where nothing does. Pictures of a test split need no label. */
export function faults(inspection: Inspection): string[] {
  const found: string[] = [];
  if (inspection.pictures === 0)
    found.push(`No pictures under "${inspection.root}" for the split "${inspection.split}".`);
  for (const { message } of inspection.unreadable) found.push(`${message}.`);
  const strange = inspection.ids.filter(({ trainId }) => trainId === null);
  for (const { id, pixels, files } of strange)
    found.push(
      `Id ${id} is not defined by ${inspection.name}: ${pixels} pixels in ${files} ${files === 1 ? "label" : "labels"}.`,
    );
  if (inspection.split !== "test")
    for (const file of inspection.picturesWithoutLabel) found.push(`No label for the picture "${file}".`);
  for (const file of inspection.labelsWithoutPicture) found.push(`No picture for the label "${file}".`);
  return found;
}
