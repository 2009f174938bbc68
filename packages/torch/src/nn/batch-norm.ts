import { ones, zeros } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import type { Tensor } from "../tensor.js";
import { buffer, Module } from "./module.js";
import { type NormOptions, onesAndZeros } from "./normalization.js";

export interface BatchNormOptions extends NormOptions {
  /** Share of a new batch in the running statistics. */
  readonly momentum?: number;
  /** Statistics stay as they are and are used also while training, as is usual for small batches on a pretrained backbone. */
  readonly frozen?: boolean;
}

/**
 * Normalises each channel over the batch and its pixels, [B, C, H, W] → the same: with the batch's own mean and variance while
 * training (and not `frozen`), with the running ones otherwise. Weight and bias are trained in either case; `requiresGrad_(false)`
 * stops that.
 */
export class BatchNorm2d extends Module {
  readonly weight: Tensor | undefined;
  readonly bias: Tensor | undefined;
  readonly runningMean: Tensor;
  readonly runningVar: Tensor;
  /** int64 scalar: batches seen. */
  readonly numBatchesTracked: Tensor;
  readonly eps: number;
  readonly momentum: number;
  frozen: boolean;

  constructor(
    readonly numFeatures: number,
    { eps = 1e-5, momentum = 0.1, affine = true, frozen = false }: BatchNormOptions = {},
  ) {
    super();
    this.eps = eps;
    this.momentum = momentum;
    this.frozen = frozen;
    [this.weight, this.bias] = onesAndZeros([numFeatures], affine);
    this.runningMean = buffer(zeros([numFeatures], { dtype: "float32" }));
    this.runningVar = buffer(ones([numFeatures], { dtype: "float32" }));
    this.numBatchesTracked = buffer(zeros([], { dtype: "int64" }));
  }

  forward(x: Tensor): Tensor {
    const learning = this.training && !this.frozen;
    if (learning) noGrad(() => this.numBatchesTracked.add_(1));
    const { weight = null, bias = null, runningMean, runningVar, momentum, eps } = this;
    return x.batchNorm(weight, bias, runningMean, runningVar, learning, momentum, eps, true);
  }
}
