import type { LabelMap, Size } from "../data/picture.js";
import { type Rle, runsOf } from "../models/sam/automatic/rle.js";
import { forEachStrip } from "../models/sam/automatic/runs.js";

/** Places of masks from the largest to the smallest: painted so, no mask hides one that lies within it. Equal ones keep their order. */
export function paintingOrder(masks: readonly { readonly area: number }[]): number[] {
  return [...masks.keys()].sort((a, b) => masks[b]!.area - masks[a]!.area || a - b);
}

/**
 * All masks in one picture: of each pixel the number of the smallest mask that has it, from 1; 0 where there is none.
 * @returns Uint16Array where 255 numbers do not suffice
 */
export function maskMap(
  masks: readonly { readonly rle: Rle; readonly area: number }[],
  size: Size,
): LabelMap<Uint8Array | Uint16Array> {
  const { height, width } = size;
  const data = masks.length > 255 ? new Uint16Array(height * width) : new Uint8Array(height * width);
  for (const place of paintingOrder(masks))
    forEachStrip(runsOf(masks[place]!.rle), height, (x, top, bottom) => {
      for (let at = top * width + x; at < bottom * width; at += width) data[at] = place + 1;
    });
  return { data, size };
}
