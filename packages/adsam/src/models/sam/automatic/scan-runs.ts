import type { Size } from "../../../data/picture.js";
import type { Runs } from "./runs.js";

/**
 * The runs of a mask in memory. It is read row by row, four pixels at a time where the width allows it, and sorted into columns afterwards:
 * a mask has few places where it changes, and reading it down its columns would miss the cache at each pixel.
 * @param mask [H, W] of zeros and ones
 */
export function scanRuns(mask: Uint8Array, { height, width }: Size): Runs {
  const changes: number[] = []; // pixels that differ from the one before them in their column, or at its top from the last column's end
  let before = 0;
  for (let x = 0; x < width; x++) {
    if (mask[x] !== before) changes.push(x);
    before = mask[(height - 1) * width + x]!;
  }
  if (width % 4 === 0 && mask.byteOffset % 4 === 0) {
    const words = new Int32Array(mask.buffer, mask.byteOffset, mask.length / 4);
    const row = width / 4;
    for (let word = row; word < words.length; word++)
      if (words[word] !== words[word - row])
        for (let at = 4 * word; at < 4 * word + 4; at++) if (mask[at] !== mask[at - width]) changes.push(at);
  } else for (let at = width; at < mask.length; at++) if (mask[at] !== mask[at - width]) changes.push(at);
  return byColumns(changes, before, { height, width });
}

/** @param last the last pixel: a run that is open there ends behind it */
function byColumns(changes: readonly number[], last: number, { height, width }: Size): Runs {
  const next = new Uint32Array(width + 1); // where the next change of a column goes
  for (const at of changes) next[(at % width) + 1]!++;
  for (let x = 0; x < width; x++) next[x + 1]! += next[x]!;
  const runs = new Uint32Array(changes.length + last);
  for (const at of changes) {
    const x = at % width;
    runs[next[x]!++] = x * height + (at - x) / width;
  }
  if (last) runs[changes.length] = height * width;
  return runs;
}
