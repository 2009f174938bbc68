import type { Tensor } from "@adsam/torch";
import { pair } from "../src/deform-conv2d.js";
import type { Pair } from "../src/index.js";
import { filled } from "./helpers.js";

/** Sizes of a deformable convolution: input [B, C, H, W], channels that leave, kernel [kH, kW], and its options. */
export interface DeformCase {
  readonly input: readonly [number, number, number, number];
  readonly out: number;
  readonly kernel: readonly [number, number];
  readonly stride?: Pair;
  readonly padding?: Pair;
  readonly dilation?: Pair;
  readonly groups?: number;
  readonly offsetGroups?: number;
}

export const deformNames = ["input", "weight", "offset", "mask", "bias"];

/** Input, weight, offset, mask, bias in float64; offsets reach well outside the picture. */
export function deformTensors({ input, out, kernel, groups = 1, offsetGroups = 1, ...sizes }: DeformCase): Tensor[] {
  const [b, c, h, w] = input;
  const [stride, padding, dilation] = [pair(sizes.stride ?? 1), pair(sizes.padding ?? 0), pair(sizes.dilation ?? 1)];
  const size = (n: number, axis: 0 | 1) =>
    Math.floor((n + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1) / stride[axis]) + 1;
  const [outH, outW] = [size(h, 0), size(w, 1)];
  const taps = offsetGroups * kernel[0] * kernel[1];
  return [
    filled("input", input),
    filled("weight", [out, c / groups, ...kernel]),
    filled("offset", [b, 2 * taps, outH, outW], { lo: -4, hi: 4 }),
    filled("mask", [b, taps, outH, outW], { lo: 0 }),
    filled("bias", [out]),
  ];
}
