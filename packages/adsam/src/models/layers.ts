import { conv3x3, gelu, groupNorm } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";

/** A convolution's numbers, its own or those a norm was folded into. */
interface ConvolutionWeights {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

/** Where and how a convolution looks; an `nn.Conv2d` is one. */
type ConvolutionForm = Pick<nn.Conv2d, "stride" | "padding" | "dilation" | "groups">;

/**
 * A convolution of the given form by the quickest operator for it: 3×3 by Winograd's where that is quicker. Where the taps of a dilated
 * 3×3 lie so far apart that all but the middle ones see nothing but padding, these are left out.
 * @param options.relu ReLU of the result
 */
export function convolution(
  x: Tensor,
  { weight, bias }: ConvolutionWeights,
  { stride, padding, dilation, groups }: ConvolutionForm,
  { relu = false }: { readonly relu?: boolean } = {},
): Tensor {
  const near = nearTaps(x, weight, { padding, dilation });
  if (near) return convolution(x, { weight: near.weight, bias }, { stride, dilation, groups, ...near }, { relu });
  const [stepY, stepX] = stride;
  const is3x3 =
    weight.size(2) === 3 &&
    weight.size(3) === 3 &&
    groups === 1 &&
    stepY === stepX &&
    [padding, dilation].every((extent) => extent.every((side) => side === 1));
  if (is3x3) return conv3x3(x, weight, { bias: bias ?? null, stride: stepY, relu });
  const y = x.conv2d(weight, { bias, stride, padding, dilation, groups });
  return relu ? y.relu_() : y;
}

/**
 * A dilated 3×3 without the rows or columns of taps that lie beyond the map wherever it stands: those that are as far from the middle as
 * the map is long, and padded by as much.
 * @returns undefined where every tap sees something
 */
function nearTaps(
  x: Tensor,
  weight: Tensor,
  { padding, dilation }: Pick<ConvolutionForm, "padding" | "dilation">,
): { readonly weight: Tensor; readonly padding: readonly [number, number] } | undefined {
  const near: [number, number] = [padding[0], padding[1]];
  let kept = weight;
  for (const axis of [0, 1] as const) {
    const distance = dilation[axis];
    if (distance === 1 || padding[axis] !== distance || weight.size(2 + axis) !== 3) continue;
    if (distance < x.size(2 + axis)) continue;
    near[axis] = 0;
    kept = kept.narrow(2 + axis, 1, 1);
  }
  return kept === weight ? undefined : { weight: kept, padding: near };
}

/** `nn.Conv2d` by the quickest operator. */
export class Conv2d extends nn.Conv2d {
  override forward(x: Tensor): Tensor {
    return convolution(x, this, this);
  }
}

/** GroupNorm and the exact GELU in one pass over memory; its members are `nn.GroupNorm`'s. */
class GroupNormGelu extends nn.GroupNorm {
  override forward(x: Tensor): Tensor {
    const { weight, bias, eps, numGroups } = this;
    return groupNorm(x, numGroups, { weight: weight ?? null, bias: bias ?? null, eps, activation: "gelu" });
  }
}

/** GroupNorm alone, channels-last maps staying so. */
class GroupNorm extends nn.GroupNorm {
  override forward(x: Tensor): Tensor {
    const { weight, bias, eps, numGroups } = this;
    return groupNorm(x, numGroups, { weight: weight ?? null, bias: bias ?? null, eps });
  }
}

/** BatchNorm and the exact GELU; its members are `nn.BatchNorm2d`'s. */
class BatchNormGelu extends nn.BatchNorm2d {
  override forward(x: Tensor): Tensor {
    return gelu(super.forward(x));
  }
}

/** What brings the maps of fusion and decoder to one scale: groups of channels of each picture, or each channel over the batch. */
export type NormName = "group" | "batch";

/** Eight groups, or BatchNorm. */
export function norm(name: NormName, channels: number): nn.Module {
  return name === "group" ? new GroupNorm(8, channels) : new nn.BatchNorm2d(channels);
}

/** {@link norm} and its GELU. */
export function normGelu(name: NormName, channels: number): nn.Module {
  return name === "group" ? new GroupNormGelu(8, channels) : new BatchNormGelu(channels);
}

/** {@link normGelu}, and what stands in the GELU's place, so that layers behind keep the numbers their names in a state dict are made of. */
export function normGeluLayers(name: NormName, channels: number): [nn.Module, nn.Module] {
  return [normGelu(name, channels), new nn.Identity()];
}
