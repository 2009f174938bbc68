/**
 * Masks as run lengths, in COCO's uncompressed form: pixels are counted down the columns, from left to right, and the counts are those of
 * zeros and ones in turn, beginning with zeros.
 */
import { Problem } from "@adsam/torch/problem";
import type { LabelMap, Size } from "../../../data/picture.js";
import { addRun, edgesOf, forEachStrip, type Runs } from "./runs.js";
import { scanRuns } from "./scan-runs.js";

export { forEachStrip };

/** COCO's uncompressed form, as it stands in JSON. */
export interface Rle {
  /** Of the picture, height first. */
  readonly size: readonly [height: number, width: number];
  /** Zeros, ones, zeros, …; the first may be 0, and their sum is height · width. */
  readonly counts: readonly number[];
}

/** @throws Problem for a size that is none, and for counts that are no whole numbers or do not add up to the picture */
export function checkRle({ size, counts }: Rle): void {
  const [height, width] = size;
  if (!(size.length === 2 && size.every((side) => Number.isSafeInteger(side) && side > 0)))
    throw new Problem({
      what: "RLE",
      found: `size [${size.join(", ")}]`,
      expected: "[height, width], each at least 1",
    });
  const place = counts.findIndex((count) => !Number.isSafeInteger(count) || count < 0);
  if (place >= 0)
    throw new Problem({
      what: "RLE",
      found: `count ${counts[place]} at place ${place}`,
      expected: "whole numbers from 0",
    });
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total !== height * width)
    throw new Problem({
      what: "RLE",
      found: `counts that add up to ${total}`,
      expected: `${height} · ${width} = ${height * width} pixels`,
    });
}

/** Takes counts of 0 in the middle, too, which some writers leave behind. */
export function runsOf({ counts }: Rle): Runs {
  const runs: number[] = [];
  let at = 0;
  for (const [i, count] of counts.entries()) {
    if (i % 2 === 1) addRun(runs, at, at + count);
    at += count;
  }
  return Uint32Array.from(runs);
}

export function rleOfRuns(runs: Runs, { height, width }: Size): Rle {
  const counts: number[] = [];
  let at = 0;
  for (const edge of runs) {
    counts.push(edge - at);
    at = edge;
  }
  if (at < height * width) counts.push(height * width - at);
  return { size: [height, width], counts };
}

/** A mask [H, W] of zeros and anything else. */
export function encodeMask({ data, size }: LabelMap): Rle {
  const mask = data.map((pixel) => (pixel === 0 ? 0 : 1));
  return rleOfRuns(scanRuns(mask, size), size);
}

/**
 * The mask [H, W] of zeros and ones.
 * @throws Problem for run lengths that do not fit their size
 */
export function decodeRle(rle: Rle): LabelMap {
  checkRle(rle);
  const [height, width] = rle.size;
  return drawRuns(runsOf(rle), { height, width });
}

/** [H, W], 1 where a pixel is set. */
export function drawRuns(runs: Runs, size: Size): LabelMap {
  const { height, width } = size;
  const data = new Uint8Array(height * width);
  forEachStrip(runs, height, (x, top, bottom) => {
    for (let at = top * width + x; at < bottom * width; at += width) data[at] = 1;
  });
  return { data, size };
}

/** Pixels of the mask. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** First and last column and row of the mask, the last ones included; all 0 for a mask without a pixel. */
export function rleEdges(rle: Rle): [left: number, top: number, right: number, bottom: number] {
  const [height, width] = rle.size;
  return edgesOf(runsOf(rle), { height, width });
}

/** The box around the mask in whole pixels, as pycocotools' `toBbox` gives it: [x, y, width, height]; all 0 for a mask without a pixel. */
export function rleBox(rle: Rle): [x: number, y: number, width: number, height: number] {
  const [left, top, right, bottom] = rleEdges(rle);
  return rleArea(rle) === 0 ? [0, 0, 0, 0] : [left, top, right - left + 1, bottom - top + 1];
}
