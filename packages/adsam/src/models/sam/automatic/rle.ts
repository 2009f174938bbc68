/**
 * Masks as run lengths, in COCO's uncompressed form: pixels are counted down the columns, from left to right, and the counts are those of
 * zeros and ones in turn, beginning with zeros.
 */
import { Problem } from "@adsam/torch/problem";
import type { LabelMap } from "../../../data/picture.js";

/** COCO's uncompressed form, as it stands in JSON. */
export interface Rle {
  /** Of the picture, height first. */
  readonly size: readonly [height: number, width: number];
  /** Zeros, ones, zeros, …; the first may be 0, and their sum is height · width. */
  readonly counts: readonly number[];
}

/**
 * The runs of ones: start, end, start, end, … in the order of the columns, ends exclusive. Ascending, none empty, no two that touch.
 */
export type Runs = readonly number[];

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
  return runs;
}

/** Appends the ones from `start` to `end`, which begin where the last ended or later. */
export function addRun(runs: number[], start: number, end: number): void {
  if (end === start) return;
  if (runs.at(-1) === start) runs[runs.length - 1] = end;
  else runs.push(start, end);
}

export function rleOfRuns([height, width]: Rle["size"], runs: Runs): Rle {
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
export function encodeMask({ data, size: { height, width } }: LabelMap): Rle {
  const edges: number[] = [];
  let before = false;
  for (let x = 0, at = 0; x < width; x++)
    for (let y = 0; y < height; y++, at++) {
      const set = data[y * width + x] !== 0;
      if (set !== before) edges.push(at);
      before = set;
    }
  if (before) edges.push(height * width);
  return rleOfRuns([height, width], edges);
}

/**
 * The mask [H, W] of zeros and ones.
 * @throws Problem for run lengths that do not fit their size
 */
export function decodeRle(rle: Rle): LabelMap {
  checkRle(rle);
  const [height, width] = rle.size;
  const data = new Uint8Array(height * width);
  forEachStrip(runsOf(rle), height, (x, top, bottom) => {
    for (let at = top * width + x; at < bottom * width; at += width) data[at] = 1;
  });
  return { data, size: { height, width } };
}

/** Cuts runs where columns end: `visit` gets the column and its rows from `top` to before `bottom`, in order. */
export function forEachStrip(
  runs: Runs,
  height: number,
  visit: (x: number, top: number, bottom: number) => void,
): void {
  for (let i = 0; i < runs.length; i += 2) {
    const end = runs[i + 1]!;
    for (let start = runs[i]!; start < end; ) {
      const x = Math.floor(start / height);
      const stop = Math.min(end, (x + 1) * height);
      visit(x, start - x * height, stop - x * height);
      start = stop;
    }
  }
}

/** Pixels of the mask. */
export function rleArea({ counts }: Rle): number {
  let area = 0;
  for (let i = 1; i < counts.length; i += 2) area += counts[i]!;
  return area;
}

/** First and last column and row of the mask, the last ones included; all 0 for a mask without a pixel. */
export function rleEdges(rle: Rle): [left: number, top: number, right: number, bottom: number] {
  const runs = runsOf(rle);
  const [height] = rle.size;
  if (runs.length === 0) return [0, 0, 0, 0];
  const column = (at: number): number => Math.floor(at / height);
  let top = height;
  let bottom = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const [first, last] = [runs[i]!, runs[i + 1]! - 1];
    const oneColumn = column(first) === column(last);
    top = oneColumn ? Math.min(top, first % height) : 0;
    bottom = oneColumn ? Math.max(bottom, last % height) : height - 1;
    if (top === 0 && bottom === height - 1) break;
  }
  return [column(runs[0]!), top, column(runs.at(-1)! - 1), bottom];
}

/** The box around the mask in whole pixels, as pycocotools' `toBbox` gives it: [x, y, width, height]; all 0 for a mask without a pixel. */
export function rleBox(rle: Rle): [x: number, y: number, width: number, height: number] {
  if (rleArea(rle) === 0) return [0, 0, 0, 0];
  const [left, top, right, bottom] = rleEdges(rle);
  return [left, top, right - left + 1, bottom - top + 1];
}

/** The mask of a window of a picture as a mask of the whole picture: nothing is set outside the window. */
export function placeRle(rle: Rle, { left, top }: { left: number; top: number }, picture: Rle["size"]): Rle {
  const [height] = rle.size;
  const runs: number[] = [];
  forEachStrip(runsOf(rle), height, (x, first, end) => {
    const column = (left + x) * picture[0] + top;
    addRun(runs, column + first, column + end);
  });
  return rleOfRuns(picture, runs);
}
