import type { Tensor } from "../tensor.js";
import type { BatchNorm2d } from "./batch-norm.js";
import type { Conv2d } from "./convolution.js";

/** A convolution's numbers with a norm's multiplied in. */
export interface FoldedConvolution {
  /** [outChannels, inChannels / groups, kH, kW] */
  readonly weight: Tensor;
  /** [outChannels] */
  readonly bias: Tensor;
}

/**
 * `norm(conv(x))` as one convolution, for a norm whose statistics stand still: with s = γ / √(σ² + ε), the weight is s·W and the
 * bias β + s·(b − μ). It saves a pass over the map in evaluation and three in training, and the memory of the map between: the
 * gradients of γ and β come out of those of the folded weight and bias, which are small. Made anew in every call, so weights
 * loaded or trained meanwhile count at once.
 */
export function foldBatchNorm(conv: Conv2d, norm: BatchNorm2d): FoldedConvolution {
  const { runningMean, runningVar, eps } = norm;
  const inverse = runningVar.add(eps).rsqrt();
  const scale = norm.weight ? inverse.mul(norm.weight) : inverse; // [outChannels]
  const shift = (conv.bias ? conv.bias.sub(runningMean) : runningMean.neg()).mul(scale);
  return {
    weight: conv.weight.mul(scale.reshape([-1, 1, 1, 1])),
    bias: norm.bias ? shift.add(norm.bias) : shift,
  };
}

/** `norm(conv(x))` by way of `foldBatchNorm`. */
export function foldedConv2d(x: Tensor, conv: Conv2d, norm: BatchNorm2d): Tensor {
  const { weight, bias } = foldBatchNorm(conv, norm);
  const { stride, padding, dilation, groups } = conv;
  return x.conv2d(weight, { bias, stride, padding, dilation, groups });
}
