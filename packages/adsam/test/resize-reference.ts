/**
 * The slow, readable form of native/pictures/resize.cpp: resizing as Pillow does it, to the bit.
 * Pillow's bilinear is a triangle filter as wide as the shrink factor (so it antialiases), run along rows and then along columns with
 * weights in 22-bit fixed point and an 8-bit picture in between. The weights are the project's; Pillow's own numbers check them.
 */
import { type LabelMap, type Picture, pixels, type Size, sameSize } from "../src/data/picture.js";
import { bilinearTaps, nearestPlaces } from "../src/data/transforms/resize.js";

/** Fractional bits of a weight: 32 less 8 for the sample and 2 for sign and headroom. */
const precision = 22;
const half = 1 << (precision - 1);

/**
 * Pillow's `resize(size, BILINEAR)` of an RGB picture. The aspect is not kept.
 * @param picture [H, W, 3] → [size.height, size.width, 3], 0…255. The same object where the size is already right.
 */
export function resizeBilinear(picture: Picture, size: Size): Picture {
  if (sameSize(picture.size, size)) return picture;
  const wide = alongRows(picture, size.width);
  return alongColumns(wide, size.height);
}

/** [H, W, 3] → [H, width, 3] */
function alongRows({ data, size }: Picture, width: number): Picture {
  if (size.width === width) return { data, size };
  const { first, count, weights, width: tapWidth } = bilinearTaps(size.width, width);
  const out = new Uint8ClampedArray(size.height * width * 3);
  for (let y = 0; y < size.height; y++) {
    let at = y * width * 3;
    for (let x = 0; x < width; x++) {
      let [red, green, blue] = [half, half, half];
      let from = (y * size.width + first[x]!) * 3;
      const end = x * tapWidth + count[x]!;
      for (let tap = x * tapWidth; tap < end; tap++) {
        const weight = weights[tap]!;
        red += data[from]! * weight;
        green += data[from + 1]! * weight;
        blue += data[from + 2]! * weight;
        from += 3;
      }
      out[at++] = red >> precision;
      out[at++] = green >> precision;
      out[at++] = blue >> precision;
    }
  }
  return { data: new Uint8Array(out.buffer), size: { height: size.height, width } };
}

/** [H, W, 3] → [height, W, 3] */
function alongColumns({ data, size }: Picture, height: number): Picture {
  if (size.height === height) return { data, size };
  const { first, count, weights, width: tapWidth } = bilinearTaps(size.height, height);
  const rowLength = size.width * 3;
  const out = new Uint8ClampedArray(height * rowLength);
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    sums.fill(half);
    for (let t = 0; t < count[y]!; t++) {
      const weight = weights[y * tapWidth + t]!;
      const from = (first[y]! + t) * rowLength;
      for (let i = 0; i < rowLength; i++) sums[i]! += data[from + i]! * weight;
    }
    const at = y * rowLength;
    for (let i = 0; i < rowLength; i++) out[at + i] = sums[i]! >> precision;
  }
  return { data: new Uint8Array(out.buffer), size: { height, width: size.width } };
}

/**
 * Pillow's `resize(size, NEAREST)`: the input pixel under the centre of each output pixel. For ids, which have no in-between.
 * @param label [H, W] → [size.height, size.width].
 */
export function resizeNearest(label: LabelMap, size: Size): LabelMap {
  if (sameSize(label.size, size)) return label;
  const columns = nearestPlaces(label.size.width, size.width);
  const rows = nearestPlaces(label.size.height, size.height);
  const out = new Uint8Array(pixels(size));
  for (let y = 0; y < size.height; y++) {
    const from = rows[y]! * label.size.width;
    const at = y * size.width;
    for (let x = 0; x < size.width; x++) out[at + x] = label.data[from + columns[x]!]!;
  }
  return { data: out, size };
}
