import type { Tensor } from "../tensor.js";
import { type InterpolateOptions, interpolate } from "./functional.js";
import { Module } from "./module.js";

/** Joins the dimensions from `startDim` to `endDim` into one: [B, C, H, W] → [B, C·H·W] by default. */
export class Flatten extends Module {
  constructor(readonly options: { readonly startDim?: number; readonly endDim?: number } = {}) {
    super();
  }

  forward(x: Tensor): Tensor {
    const { startDim = 1, endDim = -1 } = this.options;
    return x.flatten({ startDim, endDim });
  }
}

/** A map on a finer or coarser grid; see `interpolate`. */
export class Upsample extends Module {
  constructor(readonly options: InterpolateOptions) {
    super();
  }

  forward(x: Tensor): Tensor {
    return interpolate(x, this.options);
  }
}
