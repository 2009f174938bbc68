import { conv3x3, groupNorm } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";

/** A convolution's numbers, its own or those a norm was folded into. */
interface ConvolutionWeights {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

/** Where and how a convolution looks; an `nn.Conv2d` is one. */
type ConvolutionForm = Pick<nn.Conv2d, "stride" | "padding" | "dilation" | "groups">;

/**
 * A convolution of the given form by the quickest operator for it: 3×3 of stride 1 by Winograd's where that is quicker.
 * @param options.relu ReLU of the result
 */
export function convolution(
  x: Tensor,
  { weight, bias }: ConvolutionWeights,
  { stride, padding, dilation, groups }: ConvolutionForm,
  { relu = false }: { readonly relu?: boolean } = {},
): Tensor {
  const isPlain3x3 =
    weight.size(2) === 3 &&
    weight.size(3) === 3 &&
    groups === 1 &&
    [stride, padding, dilation].every((extent) => extent.every((side) => side === 1));
  if (isPlain3x3) return conv3x3(x, weight, { bias: bias ?? null, relu });
  const y = x.conv2d(weight, { bias, stride, padding, dilation, groups });
  return relu ? y.relu_() : y;
}

/** `nn.Conv2d` by the quickest operator. */
export class Conv2d extends nn.Conv2d {
  override forward(x: Tensor): Tensor {
    return convolution(x, this, this);
  }
}

/** GroupNorm and the exact GELU in one pass over memory; its members are `nn.GroupNorm`'s. */
export class GroupNormGelu extends nn.GroupNorm {
  override forward(x: Tensor): Tensor {
    const { weight, bias, eps, numGroups } = this;
    return groupNorm(x, numGroups, { weight: weight ?? null, bias: bias ?? null, eps, activation: "gelu" });
  }
}

/** GroupNorm alone, channels-last maps staying so. */
export class GroupNorm extends nn.GroupNorm {
  override forward(x: Tensor): Tensor {
    const { weight, bias, eps, numGroups } = this;
    return groupNorm(x, numGroups, { weight: weight ?? null, bias: bias ?? null, eps });
  }
}

/**
 * A norm, its GELU, and what stands in the GELU's place, so that layers behind them keep the numbers their names in a state dict
 * are made of.
 */
export function groupNormGelu(channels: number): [nn.Module, nn.Module] {
  return [new GroupNormGelu(8, channels), new nn.Identity()];
}
