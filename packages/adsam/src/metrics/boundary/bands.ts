import type { Size } from "../../data/picture.js";
import { nothing, windowClasses } from "./window-classes.js";

/**
 * The band of each class along its inner side: pixels from which another class, or the picture's edge, is at most `reach` rows and
 * columns away. That is what the authors of Boundary IoU take off a mask by eroding it `reach` times with a 3×3 square, the picture
 * framed by nothing (Cheng et al., CVPR 2021, `mask_to_boundary`), here for all classes at once: a pixel is inside where the square
 * around it holds one class alone. Ignored pixels are of no class and neither end nor begin one.
 * @param ids [H, W]: classes below 254; `ignore` stands for pixels that are of none
 * @param reach 1 or more, pixels
 * @returns [H, W], 1 on a band
 */
export function bandsOf(ids: Uint8Array, size: Size, ignore: number, reach: number): Uint8Array {
  const { height, width } = size;
  const band = new Uint8Array(ids.length);
  const classes = ignore === nothing ? ids : ids.map((id) => (id === ignore ? nothing : id));
  const held = windowClasses(classes, size, reach);
  for (let y = 0; y < height; y++) {
    const isWholeDown = y >= reach && y < height - reach;
    for (let x = 0, at = y * width; x < width; x++, at++) {
      const own = ids[at]!;
      if (own === ignore) continue;
      const isWhole = isWholeDown && x >= reach && x < width - reach;
      band[at] = isWhole && held[at] === own ? 0 : 1;
    }
  }
  return band;
}
