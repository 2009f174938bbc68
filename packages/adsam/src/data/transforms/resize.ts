/**
 * Resizing as Pillow does it, to the bit: the reference's pictures go through `Image.resize(size, BILINEAR)`, labels through `NEAREST`.
 * Pillow's bilinear is a triangle filter as wide as the shrink factor (so it antialiases), run along rows and then along columns with
 * weights in 22-bit fixed point and an 8-bit picture in between.
 */
import { Problem } from "@adsam/torch/problem";
import { pictureKernels, type Taps } from "../native.js";
import { type LabelMap, type Picture, pixels, type Size, sameSize } from "../picture.js";

/** Fractional bits of a weight, as in native/pictures/resize.h. */
const precision = 22;

/** Pillow's triangle filter, [from] → [to] samples; weights have 22 fractional bits. */
export function bilinearTaps(from: number, to: number): Taps {
  const scale = from / to;
  const support = Math.max(scale, 1);
  const width = Math.ceil(support) * 2 + 1;
  const taps = { first: new Int32Array(to), count: new Int32Array(to), weights: new Int32Array(to * width), width };
  const exact = new Float64Array(width);
  for (let i = 0; i < to; i++) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - support + 0.5));
    const count = Math.min(from, Math.trunc(centre + support + 0.5)) - first;
    let sum = 0;
    for (let t = 0; t < count; t++) {
      const distance = Math.abs((t + first - centre + 0.5) * (1 / support));
      exact[t] = distance < 1 ? 1 - distance : 0;
      sum += exact[t]!;
    }
    for (let t = 0; t < count; t++)
      taps.weights[i * width + t] = Math.trunc(0.5 + (exact[t]! / sum) * (1 << precision));
    taps.first[i] = first;
    taps.count[i] = count;
  }
  return taps;
}

/**
 * Pillow's `resize(size, BILINEAR)` of an RGB picture. The aspect is not kept.
 * @param picture [H, W, 3] → [size.height, size.width, 3], 0…255. The same object where the size is already right.
 */
export function resizeBilinear(picture: Picture, size: Size): Picture {
  checkSize(size);
  if (sameSize(picture.size, size)) return picture;
  const wide = alongRows(picture, size.width);
  return alongColumns(wide, size.height);
}

/** [H, W, 3] → [H, width, 3] */
function alongRows({ data, size }: Picture, width: number): Picture {
  if (size.width === width) return { data, size };
  const out = new Uint8Array(size.height * width * 3);
  pictureKernels().resizeRows(data, size.height, size.width, width, bilinearTaps(size.width, width), out);
  return { data: out, size: { height: size.height, width } };
}

/** [H, W, 3] → [height, W, 3] */
function alongColumns({ data, size }: Picture, height: number): Picture {
  if (size.height === height) return { data, size };
  const rowBytes = size.width * 3;
  const out = new Uint8Array(height * rowBytes);
  pictureKernels().resizeColumns(data, rowBytes, size.height, height, bilinearTaps(size.height, height), out);
  return { data: out, size: { height, width: size.width } };
}

/**
 * Pillow's `resize(size, NEAREST)`: the input pixel under the centre of each output pixel. For ids, which have no in-between.
 * @param label [H, W] → [size.height, size.width].
 */
export function resizeNearest(label: LabelMap, size: Size): LabelMap {
  checkSize(size);
  if (sameSize(label.size, size)) return label;
  const columns = nearestPlaces(label.size.width, size.width);
  const rows = nearestPlaces(label.size.height, size.height);
  const out = new Uint8Array(pixels(size));
  pictureKernels().pick(label.data, label.size.height, label.size.width, rows, columns, out);
  return { data: out, size };
}

/** Pillow adds the step up instead of multiplying; where a centre falls on an edge, the rounding decides, so it is done alike. */
export function nearestPlaces(from: number, to: number): Int32Array {
  const step = from / to;
  const places = new Int32Array(to);
  let centre = step * 0.5;
  for (let i = 0; i < to; i++) {
    places[i] = Math.min(from - 1, Math.trunc(centre));
    centre += step;
  }
  return places;
}

function checkSize({ height, width }: Size): void {
  if (Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0) return;
  throw new Problem({ what: "resize", found: `width ${width}, height ${height}`, expected: "integers above 0" });
}
