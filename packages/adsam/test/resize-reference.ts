/**
 * The slow, readable form of native/pictures/resize.cpp: resizing as Pillow does it, to the bit.
 * Pillow's bilinear is a triangle filter as wide as the shrink factor (so it antialiases), run along rows and then along columns with
 * weights in 22-bit fixed point and an 8-bit picture in between.
 */
import { type LabelMap, type Picture, pixels, type Size, sameSize } from "../src/data/picture.js";

/** Fractional bits of a weight: 32 less 8 for the sample and 2 for sign and headroom. */
const precision = 22;
const half = 1 << (precision - 1);

/** For each output place `i`: the first input place and how many are weighed; weights at `i * width`. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  readonly weights: Int32Array;
  readonly width: number;
}

/** Triangle filter, [from] → [to] samples. */
function bilinearTaps(from: number, to: number): Taps {
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

/** Pillow adds the step up instead of multiplying; where a centre falls on an edge, the rounding decides, so it is done alike. */
function nearestPlaces(from: number, to: number): Int32Array {
  const step = from / to;
  const places = new Int32Array(to);
  let centre = step * 0.5;
  for (let i = 0; i < to; i++) {
    places[i] = Math.min(from - 1, Math.trunc(centre));
    centre += step;
  }
  return places;
}
