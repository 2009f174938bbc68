import { ones, zeros } from "../generated/functions.js";
import { Problem } from "../problem.js";
import type { Tensor } from "../tensor.js";
import { Module, parameter } from "./module.js";

export interface NormOptions {
  /** Added to the variance. */
  readonly eps?: number;
  /** Whether there are a weight and a bias to train. */
  readonly affine?: boolean;
}

/** Normalises the last dimensions, those of `normalizedShape`: [..., ...normalizedShape] → the same. */
export class LayerNorm extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly normalizedShape: readonly number[];
  readonly eps: number;

  constructor(normalizedShape: number | readonly number[], { eps = 1e-5, affine = true }: NormOptions = {}) {
    super();
    this.normalizedShape = typeof normalizedShape === "number" ? [normalizedShape] : [...normalizedShape];
    this.eps = eps;
    [this.weight, this.bias] = onesAndZeros(this.normalizedShape, affine);
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return likeWeights(x, weight).layerNorm(this.normalizedShape, { weight, bias, eps });
  }
}

/**
 * SAM's layer norm over the channels of a map (segment_anything/modeling/common.py): [B, C, H, W] → the same, every pixel for
 * itself. The result is contiguous where the map is, and channels-last where the map is.
 */
export class LayerNorm2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly eps: number;

  constructor(
    readonly numChannels: number,
    { eps = 1e-6 }: { eps?: number } = {},
  ) {
    super();
    this.eps = eps;
    [this.weight, this.bias] = onesAndZeros([numChannels], true) as [Tensor, Tensor];
  }

  forward(x: Tensor): Tensor {
    const [, channels, height, width] = x.dims4("x");
    const pixels = likeWeights(x, this.weight).permute([0, 2, 3, 1]); // [B, C, H, W] → [B, H, W, C]
    const normal = pixels.layerNorm([channels], { weight: this.weight, bias: this.bias, eps: this.eps });
    const map = normal.permute([0, 3, 1, 2]); // [B, H, W, C] → [B, C, H, W]
    const channelsLast = x.strides[1] === 1 && height * width > 1;
    return channelsLast ? map : map.contiguous();
  }
}

/** Under autocast a layer before gives 16 bits; libtorch 1.13 normalises on the CPU only what has its weights' dtype. CUDA's autocast widens as here. */
function likeWeights(x: Tensor, weight: Tensor | undefined): Tensor {
  return weight && weight.dtype !== x.dtype ? x.to({ dtype: weight.dtype }) : x;
}

/** Normalises groups of channels over their channels and pixels: [B, C, ...] → the same. */
export class GroupNorm extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly eps: number;

  constructor(
    readonly numGroups: number,
    readonly numChannels: number,
    { eps = 1e-5, affine = true }: NormOptions = {},
  ) {
    super();
    if (numChannels % numGroups !== 0)
      throw new Problem({
        what: `GroupNorm of ${numChannels} channels`,
        found: `${numGroups} groups`,
        expected: "a number of groups that divides the channels",
      });
    this.eps = eps;
    [this.weight, this.bias] = onesAndZeros([numChannels], affine);
  }

  forward(x: Tensor): Tensor {
    const { weight, bias, eps } = this;
    return likeWeights(x, weight).groupNorm(this.numGroups, { weight, bias, eps });
  }
}

/** A norm's weight and bias as they begin. */
export function onesAndZeros(shape: readonly number[], affine: boolean): [Tensor, Tensor] | [undefined, undefined] {
  if (!affine) return [undefined, undefined];
  return [parameter(ones(shape, { dtype: "float32" })), parameter(zeros(shape, { dtype: "float32" }))];
}
