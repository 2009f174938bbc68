/** One label in one form turned into another: colours into ids, ids into train ids. */
import { Problem } from "@adsam/torch/problem";
import { readBytes } from "./files.js";
import { decodeLabelIds, holdsColours } from "./label-png.js";
import { idToTrainId, type Label } from "./labels.js";
import { toTrainIds } from "./load-sample.js";
import { decodePicture, type LabelMap, type Picture } from "./picture.js";
import { writeGrey } from "./write-png.js";

/** Which ids and colours mean what, and what is wanted; plain data. */
export interface Conversion {
  readonly labels: readonly Label[];
  /** What the files hold: the table's colours, or its ids. `auto`: RGB pictures hold colours, greys and palettes ids. */
  readonly from: "colours" | "ids" | "auto";
  readonly to: "ids" | "trainIds";
}

/**
 * Colours → ids by the table. Where rows share a colour, the first that is a class counts, otherwise the first.
 * @returns Uint16Array where the table has ids above 255.
 * @throws Problem for colours that the table does not have, with a histogram.
 */
export function coloursToIds(
  picture: Picture,
  labels: readonly Label[],
  name: string,
): LabelMap<Uint8Array | Uint16Array> {
  const idOf = new Map<number, number>();
  for (const { id, colour } of [...labels].sort((a, b) => Number(a.ignored) - Number(b.ignored))) {
    const key = (colour[0] << 16) | (colour[1] << 8) | colour[2];
    if (!idOf.has(key)) idOf.set(key, id);
  }
  const count = picture.data.length / 3;
  const data = labels.some(({ id }) => id > 255) ? new Uint16Array(count) : new Uint8Array(count);
  const strange = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const key = (picture.data[3 * i]! << 16) | (picture.data[3 * i + 1]! << 8) | picture.data[3 * i + 2]!;
    const id = idOf.get(key);
    if (id === undefined) strange.set(key, (strange.get(key) ?? 0) + 1);
    else data[i] = id;
  }
  if (strange.size === 0) return { data, size: picture.size };
  const most = [...strange].sort(([, m], [, n]) => n - m).slice(0, 10);
  const text = most.map(([key, pixels]) => `(${key >> 16}, ${(key >> 8) & 255}, ${key & 255})×${pixels}`).join(", ");
  throw new Problem({
    what: `label "${name}"`,
    found: `${strange.size} colours that the class table does not have: ${text} (colour×pixels)`,
    expected: "the table's colours and no others",
    todo: "Add them to the table; colours in between come from resizing or JPEG, and cannot be told apart.",
  });
}

/** One file → one grey PNG. */
export async function convertLabel(source: string, target: string, { labels, from, to }: Conversion): Promise<void> {
  const bytes = await readBytes(source, "label");
  const colours = from === "colours" || (from === "auto" && holdsColours(bytes));
  const ids = colours
    ? coloursToIds(await decodePicture(bytes, source), labels, source)
    : decodeLabelIds(bytes, source);
  // Also where ids are wanted: an id the table does not have is refused.
  const trainIds = toTrainIds(ids.data, { name: "the class table", labelIdToTrainId: idToTrainId(labels) }, source);
  await writeGrey(target, to === "trainIds" ? { data: trainIds, size: ids.size } : ids);
}
