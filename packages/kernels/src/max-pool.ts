import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/**
 * Max-pooling 3×3 of stride 2 and padding 1, as every ResNet begins: `input.maxPool2d(3, { stride: 2, padding: 1 })` with a kernel of its
 * own for channels-last maps on the CPU, which keeps one byte a number for backward. Differentiable once there. What is outside the
 * picture never wins; of equal numbers the first in reading order takes the gradient.
 *
 * @param input [B, C, H, W]; contiguous or channels-last, and the result follows
 * @returns [B, C, ⌈H / 2⌉, ⌈W / 2⌉], of the input's dtype
 * @throws Error when the input is of another rank, no floating-point tensor, or has no pixel
 */
export function maxPool3x3Stride2(input: Tensor): Tensor {
  return callKernel("max_pool_3x3_s2", [input]) as Tensor;
}
