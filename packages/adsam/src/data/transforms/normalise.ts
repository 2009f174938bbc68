/** Bytes to the numbers a network sees, and back. */
import { pictureKernels } from "../native.js";
import { type Picture, pixels } from "../picture.js";

export interface Normalisation {
  /** Per channel (red, green, blue), of values in 0…1. */
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** ImageNet's statistics, which the ResNet of the paper was trained with. */
export const imageNet: Normalisation = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

/**
 * `(v / 255 − mean) / std`, in float32 step by step as torchvision does (`ToTensor`, `Normalize`), channels first.
 * @param picture [H, W, 3], 0…255.
 * @param out [3, H, W], written from `offset` on; made where it is not given.
 */
export function normalise(
  { data, size }: Picture,
  { mean, std }: Normalisation = imageNet,
  out: Float32Array = new Float32Array(3 * pixels(size)),
  offset = 0,
): Float32Array {
  const table = new Float32Array(3 * 256);
  for (let c = 0; c < 3; c++) {
    const [m, s] = [Math.fround(mean[c]!), Math.fround(std[c]!)];
    for (let v = 0; v < 256; v++) table[c * 256 + v] = Math.fround(Math.fround(v / 255) - m) / s;
  }
  pictureKernels().spread(data, pixels(size), table, out, offset);
  return out;
}

/** The way back, for looking at what a network saw: [3, H, W] → [H, W, 3], rounded and clamped to bytes. */
export function denormalise(
  values: Float32Array,
  size: Picture["size"],
  { mean, std }: Normalisation = imageNet,
): Picture {
  const area = pixels(size);
  const data = new Uint8ClampedArray(3 * area);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < area; i++) data[3 * i + c] = 255 * (values[c * area + i]! * std[c]! + mean[c]!);
  return { data: new Uint8Array(data.buffer), size };
}
