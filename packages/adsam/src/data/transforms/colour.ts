/** Colour jitter in eight bits, as torchvision's `ColorJitter` defines it (hue apart), in a fixed order. */
import type { Picture } from "../picture.js";
import type { Random } from "../random.js";

/** Each a strength `s`: the factor is uniform in [max(0, 1 − s), 1 + s]; 0 leaves the picture alone. */
export interface Jitter {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
}

/** Brightness, then contrast, then saturation, each with a factor drawn from `random`; always three draws. */
export function jitterColours(picture: Picture, strength: Jitter, random: Random): Picture {
  const factor = (s: number): number => random.range(Math.max(0, 1 - s), 1 + s);
  const [brightness, contrast, saturation] = [
    factor(strength.brightness),
    factor(strength.contrast),
    factor(strength.saturation),
  ];
  return adjustSaturation(adjustContrast(adjustBrightness(picture, brightness), contrast), saturation);
}

/** Blends with black: `factor · v`. */
export function adjustBrightness(picture: Picture, factor: number): Picture {
  return factor === 1 ? picture : mapValues(picture, (value) => factor * value);
}

/** Blends with the mean grey of the picture: `mean + factor · (v − mean)`. */
export function adjustContrast(picture: Picture, factor: number): Picture {
  if (factor === 1) return picture;
  const { data } = picture;
  let sum = 0;
  for (let i = 0; i < data.length; i += 3) sum += grey(data, i);
  const mean = sum / (data.length / 3);
  return mapValues(picture, (value) => mean + factor * (value - mean));
}

/** Blends each pixel with its own grey. */
export function adjustSaturation({ data, size }: Picture, factor: number): Picture {
  if (factor === 1) return { data, size };
  const out = new Uint8ClampedArray(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const level = grey(data, i);
    for (let c = i; c < i + 3; c++) out[c] = level + factor * (data[c]! - level);
  }
  return { data: new Uint8Array(out.buffer), size };
}

/** ITU-R 601 luma of the pixel at `i`, a whole number. */
const grey = (data: Uint8Array, i: number): number =>
  Math.floor(0.2989 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!);

/** One function for all 256 values, rounded and clamped to bytes. */
function mapValues({ data, size }: Picture, f: (value: number) => number): Picture {
  const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => f(value));
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]!]!;
  return { data: out, size };
}
