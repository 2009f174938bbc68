import type { Size, Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface ResizeBilinearOptions {
  /** The result's layout: the input's own, or row-major, which saves the next operator a copy where it reads plane by plane. */
  readonly layout?: "input" | "row-major";
}

/**
 * A map on another grid, each number blended of its four neighbours; middles of pixels are matched (`alignCorners` false). Numbers
 * are those of PyTorch's `interpolate` with a size, also where the map shrinks.
 *
 * Linear, so the graph keeps nothing of the input. Differentiable once. Half and bfloat16 are computed in float32.
 *
 * @param input [B, C, h, w]; contiguous or channels-last; on the CPU its gradient follows
 * @returns [B, C, height, width], of the input's dtype
 * @throws Error that names the argument whose shape or dtype does not fit, and what would
 */
export function resizeBilinear(
  input: Tensor,
  { height, width }: Size,
  { layout = "input" }: ResizeBilinearOptions = {},
): Tensor {
  return callKernel("resize_bilinear", [input, [height, width], layout === "row-major"]) as Tensor;
}

/**
 * `cat([resizeBilinear(input, size of skip), skip], { dim: 1 })` without the copy: the enlarged map is written where it belongs.
 *
 * @param input [B, C1, h, w]
 * @param skip [B, C2, H, W], of the same dtype (under autocast the wider of both)
 * @returns [B, C1 + C2, H, W], channels-last, as on the CPU both gradients are
 * @throws Error that names the argument whose shape or dtype does not fit, and what would
 */
export function resizeBilinearCat(input: Tensor, skip: Tensor): Tensor {
  return callKernel("resize_bilinear_cat", [input, skip]) as Tensor;
}
