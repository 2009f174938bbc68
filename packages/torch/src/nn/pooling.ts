import type { Tensor } from "../tensor.js";
import { type Extent, pair } from "./extent.js";
import { Module } from "./module.js";

export interface PoolOptions {
  readonly kernelSize: Extent;
  /** The kernel's size unless said. */
  readonly stride?: Extent;
  readonly padding?: Extent;
  /** Whether a window that hangs over the border counts, rounding sizes up. */
  readonly ceilMode?: boolean;
}

/** The largest value of each window: [B, C, H, W] → [B, C, ⌊(H + 2p − d(k−1) − 1) / s⌋ + 1, …]. */
export class MaxPool2d extends Module {
  constructor(readonly options: PoolOptions & { readonly dilation?: Extent }) {
    super();
  }

  forward(x: Tensor): Tensor {
    const { kernelSize, stride = kernelSize, padding = 0, dilation = 1, ceilMode = false } = this.options;
    return x.maxPool2d(pair(kernelSize), {
      stride: pair(stride),
      padding: pair(padding),
      dilation: pair(dilation),
      ceilMode,
    });
  }
}

/** The mean of each window; padding counts as zeros unless `countIncludePad` is false. */
export class AvgPool2d extends Module {
  constructor(readonly options: PoolOptions & { readonly countIncludePad?: boolean }) {
    super();
  }

  forward(x: Tensor): Tensor {
    const { kernelSize, stride = kernelSize, padding = 0, ceilMode = false, countIncludePad = true } = this.options;
    return x.avgPool2d(pair(kernelSize), { stride: pair(stride), padding: pair(padding), ceilMode, countIncludePad });
  }
}

/** Means over as many windows as it takes to reach `outputSize`: [B, C, H, W] → [B, C, height, width]. */
export class AdaptiveAvgPool2d extends Module {
  constructor(readonly outputSize: Extent) {
    super();
  }

  forward(x: Tensor): Tensor {
    return x.adaptiveAvgPool2d(pair(this.outputSize));
  }
}

/** Maxima over as many windows as it takes to reach `outputSize`: [B, C, H, W] → [B, C, height, width]. */
export class AdaptiveMaxPool2d extends Module {
  constructor(readonly outputSize: Extent) {
    super();
  }

  forward(x: Tensor): Tensor {
    return x.adaptiveMaxPool2d(pair(this.outputSize))[0];
  }
}
