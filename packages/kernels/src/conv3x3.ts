import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface Conv3x3Options {
  /** [O] */
  readonly bias?: Tensor | null;
  readonly stride?: number;
  /** ReLU of the result, while it is still in the cache. */
  readonly relu?: boolean;
}

/**
 * 3 × 3 convolution with padding 1, `conv2d`'s numbers. In float32 on the CPU, where it is the faster, stride 1 is computed by
 * Winograd's F(4×4, 3×3): a quarter of the multiplications, at an error of some 3·10⁻⁶ of the largest output (`conv2d`'s is a tenth
 * of that). So is the gradient of the weight of a larger stride, by one matrix product a tap; everything else is `conv2d` itself.
 *
 * Differentiable once in input, weight and bias. Channels-last input is taken as it is; a contiguous one is copied.
 *
 * @param input [B, C, H, W]; contiguous or channels-last, and the result follows
 * @param weight [O, C, 3, 3], of the input's dtype
 * @returns [B, O, outH, outW] with outH = ⌊(H − 1) / stride⌋ + 1
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function conv3x3(input: Tensor, weight: Tensor, options: Conv3x3Options = {}): Tensor {
  return callKernel("conv3x3", conv3x3Arguments(input, weight, options)) as Tensor;
}

/** The operator's arguments in its schema's order; `algorithm` is for tests. @internal */
export function conv3x3Arguments(
  input: Tensor,
  weight: Tensor,
  { bias, stride = 1, relu = false }: Conv3x3Options,
  algorithm: "auto" | "own" | "libtorch" = "auto",
): unknown[] {
  return [input, weight, bias ?? undefined, stride, relu, algorithm];
}
