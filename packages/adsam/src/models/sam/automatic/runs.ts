/** Masks as the stretches of their pixels, counted down the columns from left to right: small, and quick to place and to search. */
import type { Size } from "../../../data/picture.js";

/**
 * Stretches of set pixels: start, end, start, end, …; ends exclusive. Ascending, none empty, no two that touch. A pixel's number is
 * x · height + y.
 */
export type Runs = Uint32Array;

/** Appends the pixels from `start` to before `end`, which begin where the last stretch ended, or later. */
export function addRun(runs: number[], start: number, end: number): void {
  if (end === start) return;
  if (runs.at(-1) === start) runs[runs.length - 1] = end;
  else runs.push(start, end);
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

/** The runs of the pixels that are not set. */
export function complement(runs: Runs, pixels: number): Runs {
  const zeros: number[] = [];
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    addRun(zeros, at, runs[i]!);
    at = runs[i + 1]!;
  }
  addRun(zeros, at, pixels);
  return Uint32Array.from(zeros);
}

/** First and last column and row of the mask, the last ones included; all 0 for a mask without a pixel. */
export function edgesOf(runs: Runs, { height }: Size): [left: number, top: number, right: number, bottom: number] {
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

/** The mask of a window as a mask of the whole picture, in which nothing is set beyond the window. */
export function placeRuns(
  runs: Runs,
  { left, top, height }: { readonly left: number; readonly top: number; readonly height: number },
  picture: Size,
): Runs {
  if (height === picture.height && left === 0) return runs;
  const placed: number[] = [];
  forEachStrip(runs, height, (x, first, end) => {
    const column = (left + x) * picture.height + top;
    addRun(placed, column + first, column + end);
  });
  return Uint32Array.from(placed);
}
