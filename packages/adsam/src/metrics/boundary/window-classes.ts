/**
 * Which class fills a square window around each pixel, if one does. The window is slid along rows, then along columns, in a few steps a
 * pixel whatever its length (van Herk 1992, Gil & Werman 1993, there for the least or greatest value): the axis is cut into stretches
 * of the window's length; a window covers the end of one stretch and the beginning of the next, and what these hold runs along with the
 * stretch.
 */
import type { Size } from "../../data/picture.js";

/** A window without a class: its pixels are all ignored. */
export const nothing = 255;
/** A window of several classes. */
export const several = 254;

/** What two parts of a window hold together. */
function together(a: number, b: number): number {
  return a === b || b === nothing ? a : a === nothing ? b : several;
}

/**
 * The class of each square of 2·reach + 1 pixels a side around a pixel; 0 where the square is cut by the picture's edge.
 * @param ids [H, W]: classes below 254, {@link nothing} for pixels that are of none
 * @returns [H, W]: the class, {@link nothing} or {@link several}
 */
export function windowClasses(ids: Uint8Array, size: Size, reach: number): Uint8Array {
  return slideDown(slideRight(ids, size, reach), size, reach);
}

function slideRight(values: Uint8Array, { height, width }: Size, reach: number): Uint8Array {
  const out = new Uint8Array(values.length);
  const forth = new Uint8Array(width); // from the stretch's begin up to here
  const back = new Uint8Array(width); // and from here to its end
  const length = 2 * reach + 1;
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let start = 0; start < width; start += length) {
      const end = Math.min(start + length, width);
      let held = nothing;
      for (let x = start; x < end; x++) {
        held = together(held, values[row + x]!);
        forth[x] = held;
      }
      held = nothing;
      for (let x = end - 1; x >= start; x--) {
        held = together(held, values[row + x]!);
        back[x] = held;
      }
    }
    for (let x = reach; x < width - reach; x++) out[row + x] = together(back[x - reach]!, forth[x + reach]!);
  }
  return out;
}

/** Row by row, as memory lies. */
function slideDown(values: Uint8Array, { height, width }: Size, reach: number): Uint8Array {
  const out = new Uint8Array(values.length);
  const forth = values.slice();
  const back = values.slice();
  const length = 2 * reach + 1;
  for (let y = 0; y < height; y++) {
    if (y % length === 0) continue;
    for (let at = y * width; at < (y + 1) * width; at++) forth[at] = together(forth[at - width]!, values[at]!);
  }
  for (let y = height - 2; y >= 0; y--) {
    if (y % length === length - 1) continue;
    for (let at = y * width; at < (y + 1) * width; at++) back[at] = together(back[at + width]!, values[at]!);
  }
  const far = reach * width;
  for (let at = far; at < values.length - far; at++) out[at] = together(back[at - far]!, forth[at + far]!);
  return out;
}
