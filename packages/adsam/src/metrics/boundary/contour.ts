import type { Size } from "../../data/picture.js";

/** On a contour map: no contour of any class here. */
export const noContour = 255;

/** The contours of every class of a label map at once. */
export interface Contours {
  /** [H, W]: the class whose contour runs through the pixel, or {@link noContour}. */
  readonly map: Uint8Array;
  /** Places in `map` that are on a contour, row by row. */
  readonly places: Int32Array;
  readonly size: Size;
}

/**
 * A pixel is on the contour of its class where the pixel above, below, left or right carries another class. Ignored pixels are of no
 * class: they have no contour and draw none, so the rim of an unlabelled region is not mistaken for the rim of what it hides.
 * The picture's edge is no contour either.
 * @param ids [H, W]: classes below 255; `ignore` stands for pixels that are of none
 */
export function contoursOf(ids: Uint8Array, size: Size, ignore: number): Contours {
  const { height, width } = size;
  const map = new Uint8Array(ids.length).fill(noContour);
  const places: number[] = [];
  for (let y = 0; y < height; y++) {
    const [above, below] = [y > 0 ? -width : 0, y + 1 < height ? width : 0];
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const own = ids[at]!;
      const up = ids[at + above]!;
      const down = ids[at + below]!;
      const left = ids[x > 0 ? at - 1 : at]!;
      const right = ids[x + 1 < width ? at + 1 : at]!;
      if (up === own && down === own && left === own && right === own) continue; // nearly always
      const differs = (id: number) => id !== own && id !== ignore;
      if (own === ignore || !(differs(up) || differs(down) || differs(left) || differs(right))) continue;
      map[at] = own;
      places.push(at);
    }
  }
  return { map, places: Int32Array.from(places), size };
}
