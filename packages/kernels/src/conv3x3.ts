import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface Conv3x3Options {
  /** [O] */
  readonly bias?: Tensor | null;
  /** ReLU of the result, while it is still in the cache. */
  readonly relu?: boolean;
}

/**
 * 3 × 3 convolution with stride 1 and padding 1, `conv2d`'s numbers. In float32 on the CPU, and where it is the faster, it is computed
 * by Winograd's F(4×4, 3×3), a quarter of the multiplications, at an error of some 3·10⁻⁶ of the largest output (`conv2d`'s is a
 * tenth of that); everything else is `conv2d` itself.
 *
 * Differentiable once in input, weight and bias. Channels-last input is taken as it is; a contiguous one is copied.
 *
 * @param input [B, C, H, W]; contiguous or channels-last, and the result follows
 * @param weight [O, C, 3, 3], of the input's dtype
 * @returns [B, O, H, W]
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function conv3x3(input: Tensor, weight: Tensor, options: Conv3x3Options = {}): Tensor {
  return callKernel("conv3x3", conv3x3Arguments(input, weight, options)) as Tensor;
}

/** The operator's arguments in its schema's order; `algorithm` is for tests. @internal */
export function conv3x3Arguments(
  input: Tensor,
  weight: Tensor,
  { bias, relu = false }: Conv3x3Options,
  algorithm: "auto" | "winograd" | "direct" = "auto",
): unknown[] {
  return [input, weight, bias ?? undefined, relu, algorithm];
}
