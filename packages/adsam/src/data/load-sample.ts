/** A sample's files as arrays: the picture in RGB, the label in train ids, both at their own resolution. */
import { Problem } from "@adsam/torch/problem";
import { contentHash } from "./content-hash.js";
import type { Dataset } from "./dataset.js";
import { readBytes } from "./files.js";
import { readLabelIds } from "./label-png.js";
import { describeIds, type IdLookup, UNKNOWN } from "./labels.js";
import { pictureKernels } from "./native.js";
import { decodePicture, type LabelMap, type Picture, sameSize, sizeText } from "./picture.js";

export interface LoadedSample {
  readonly id: string;
  readonly index: number;
  readonly picture: Picture;
  /** Of the picture's file, where it was asked for. */
  readonly contentHash?: string;
  /** Train ids, 255 ignored; absent where the sample has no label. */
  readonly label?: LabelMap;
}

/**
 * @throws Problem for unreadable files, a label holding ids that the data set does not define (with a histogram of what it holds),
 * and a label of another size than its picture.
 */
export async function loadSample(
  dataset: Dataset,
  index: number,
  { hashed = false }: { readonly hashed?: boolean } = {},
): Promise<LoadedSample> {
  const sample = dataset.samples[index];
  if (!sample) {
    const expected = `0…${dataset.samples.length - 1}`;
    throw new Problem({ what: `${dataset.name}, split "${dataset.split}"`, found: `sample ${index}`, expected });
  }
  const { id, imagePath, labelPath } = sample;
  const readImage = async () => {
    const bytes = await readBytes(imagePath, "picture");
    return { picture: await decodePicture(bytes, imagePath), ...(hashed && { contentHash: contentHash(bytes) }) };
  };
  if (labelPath === undefined) return { id, index, ...(await readImage()) };
  const [image, ids] = await Promise.all([readImage(), readLabelIds(labelPath)]);
  const { picture } = image;
  if (!sameSize(picture.size, ids.size))
    throw new Problem({
      what: `label "${labelPath}"`,
      found: sizeText(ids.size),
      expected: `${sizeText(picture.size)} as its picture "${imagePath}"`,
      todo: "A label must lie on its picture pixel by pixel; take both from the same release of the data set.",
    });
  return { id, index, ...image, label: { data: toTrainIds(ids.data, dataset, labelPath), size: ids.size } };
}

/** @throws Problem for ids the data set does not define. */
export function toTrainIds(
  ids: Uint8Array | Uint16Array,
  { name, labelIdToTrainId }: Pick<Dataset, "name" | "labelIdToTrainId">,
  labelPath: string,
): Uint8Array {
  const trainIds = new Uint8Array(ids.length);
  const known =
    ids instanceof Uint8Array
      ? pictureKernels().lookUp(ids, labelIdToTrainId, UNKNOWN, trainIds)
      : lookUpWide(ids, labelIdToTrainId, trainIds);
  if (known) return trainIds;
  throw new Problem({
    what: `label "${labelPath}"`,
    found: `ids ${name} does not define: ${unknownIds(ids, labelIdToTrainId)}`,
    expected: describeIds(labelIdToTrainId),
    todo: "Is it a label of another data set or form? `adsam data inspect` shows the ids of all labels, `adsam data convert` maps them.",
  });
}

/** 16-bit ids are rare. */
function lookUpWide(ids: Uint16Array, lookup: IdLookup, trainIds: Uint8Array): boolean {
  for (let i = 0; i < ids.length; i++) trainIds[i] = lookup[ids[i]!]!;
  return !trainIds.includes(UNKNOWN);
}

/** Every id that occurs and its pixels, most frequent first. */
export function histogram(ids: Uint8Array | Uint16Array): Map<number, number> {
  const counts = new Uint32Array(65536);
  for (let i = 0; i < ids.length; i++) counts[ids[i]!]!++;
  const found: [number, number][] = [];
  for (let id = 0; id < counts.length; id++) if (counts[id]! > 0) found.push([id, counts[id]!]);
  return new Map(found.sort(([a, m], [b, n]) => n - m || a - b));
}

/** `40×17, 41×2`, at most ten of them. */
export function histogramText(counts: Iterable<readonly [number, number]>): string {
  const parts = [...counts].map(([id, count]) => `${id}×${count}`);
  return parts.length > 10 ? `${parts.slice(0, 10).join(", ")} and ${parts.length - 10} more` : parts.join(", ");
}

function unknownIds(ids: Uint8Array | Uint16Array, lookup: IdLookup): string {
  const counts = [...histogram(ids)];
  const strange = counts.filter(([id]) => lookup[id] === UNKNOWN);
  const rest = counts.filter(([id]) => lookup[id] !== UNKNOWN);
  return histogramText(strange) + (rest.length > 0 ? ` (id×pixels; besides ${histogramText(rest)})` : " (id×pixels)");
}
