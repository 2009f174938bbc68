import { empty } from "../generated/functions.js";
import type { Tensor } from "../tensor.js";
import { type Draw, defaultWeights_ } from "./init.js";
import { Module, parameter } from "./module.js";

export interface LinearOptions extends Draw {
  readonly bias?: boolean;
}

/** y = x·Wᵀ + b over the last dimension: [..., inFeatures] → [..., outFeatures]. */
export class Linear extends Module {
  /** [outFeatures, inFeatures] */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;

  constructor(
    readonly inFeatures: number,
    readonly outFeatures: number,
    { bias = true, ...draw }: LinearOptions = {},
  ) {
    super();
    this.weight = parameter(empty([outFeatures, inFeatures], { dtype: "float32" }));
    this.bias = bias ? parameter(empty([outFeatures], { dtype: "float32" })) : undefined;
    defaultWeights_(this.weight, this.bias, draw);
  }

  forward(x: Tensor): Tensor {
    return x.linear(this.weight, { bias: this.bias });
  }
}
