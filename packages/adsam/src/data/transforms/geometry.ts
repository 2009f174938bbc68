/** Moving pixels without changing them: mirror and crop, picture and label alike. */
import { IGNORE, type Rgb } from "../labels.js";
import { pictureKernels } from "../native.js";
import { type LabelMap, type Picture, pixels, type Size } from "../picture.js";

/** ImageNet's mean colour in bytes: what stands beyond a picture's edge, near 0 once normalised. */
export const paddingColour: Rgb = [124, 116, 104];

/** Left becomes right. */
export function mirrorPicture({ data, size }: Picture): Picture {
  const out = new Uint8Array(data.length);
  pictureKernels().mirror(data, size.height, size.width, 3, out);
  return { data: out, size };
}

/** Left becomes right. */
export function mirrorLabel({ data, size }: LabelMap): LabelMap {
  const out = new Uint8Array(data.length);
  pictureKernels().mirror(data, size.height, size.width, 1, out);
  return { data: out, size };
}

/** The window's upper left corner in the picture's pixels; negative where the window begins before the picture. */
export interface Corner {
  readonly top: number;
  readonly left: number;
}

/** The window `size` of a picture; what lies outside of it is {@link paddingColour}. */
export function cropPicture(picture: Picture, corner: Corner, size: Size): Picture {
  const out = new Uint8Array(pixels(size) * 3);
  if (hangsOver(picture.size, corner, size)) for (let i = 0; i < out.length; i++) out[i] = paddingColour[i % 3]!;
  copyWindow(picture, 3, corner, size, out);
  return { data: out, size };
}

/** The window `size` of a label; what lies outside of it is ignored. */
export function cropLabel(label: LabelMap, corner: Corner, size: Size): LabelMap {
  const out = new Uint8Array(pixels(size)).fill(IGNORE);
  copyWindow(label, 1, corner, size, out);
  return { data: out, size };
}

const hangsOver = (picture: Size, { top, left }: Corner, window: Size): boolean =>
  top < 0 || left < 0 || top + window.height > picture.height || left + window.width > picture.width;

function copyWindow(source: Picture, channels: number, { top, left }: Corner, size: Size, out: Uint8Array): void {
  const firstColumn = Math.max(0, -left);
  const lastColumn = Math.min(size.width, source.size.width - left);
  if (lastColumn <= firstColumn) return;
  for (let y = Math.max(0, -top); y < Math.min(size.height, source.size.height - top); y++) {
    const from = ((y + top) * source.size.width + firstColumn + left) * channels;
    const row = source.data.subarray(from, from + (lastColumn - firstColumn) * channels);
    out.set(row, (y * size.width + firstColumn) * channels);
  }
}
