import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface GroupNormOptions {
  /** [C]: what each channel's normalised value is multiplied by; ones where left out. */
  readonly weight?: Tensor | null;
  /** [C]: what is added after that; zeros where left out. */
  readonly bias?: Tensor | null;
  /** Added to the variance. */
  readonly eps?: number;
  /** What follows in the same pass over memory: GELU in its exact form (by erf), or nothing. */
  readonly activation?: "none" | "gelu";
}

/**
 * Group normalisation (Wu & He 2018) and the activation after it: the channels of a picture in `groups` runs, each brought to
 * mean 0 and variance 1 over its channels and pixels, then scaled and shifted channel by channel.
 *
 * Two passes over memory, and two backward, which keeps nothing beside the input. Differentiable once in input, weight and bias.
 * Half and bfloat16 are computed in float32; weight and bias may stay float32 beside a low-precision input. Autocast casts nothing.
 *
 * @param input [B, C, H, W]; contiguous or channels-last, and the result follows
 * @param groups a divisor of C
 * @returns [B, C, H, W], of the input's dtype
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function groupNorm(
  input: Tensor,
  groups: number,
  { weight, bias, eps = 1e-5, activation = "none" }: GroupNormOptions = {},
): Tensor {
  return callKernel("group_norm", [
    input,
    groups,
    weight ?? undefined,
    bias ?? undefined,
    eps,
    activation === "gelu",
  ]) as Tensor;
}
