import { empty } from "../generated/functions.js";
import { Problem } from "../problem.js";
import type { Tensor } from "../tensor.js";
import { type Extent, pair } from "./extent.js";
import { type Draw, defaultWeights_ } from "./init.js";
import { Module, parameter } from "./module.js";

export interface Conv2dOptions extends Draw {
  readonly kernelSize: Extent;
  readonly stride?: Extent;
  /** Zeros on every side; on top and bottom by `height`, left and right by `width`. */
  readonly padding?: Extent;
  readonly dilation?: Extent;
  /** Channels are split into as many independent convolutions; must divide both channel counts. */
  readonly groups?: number;
  readonly bias?: boolean;
}

/** 2-D convolution: [B, inChannels, H, W] → [B, outChannels, ⌊(H + 2p − d(k−1) − 1) / s⌋ + 1, …]. */
export class Conv2d extends Module {
  /** [outChannels, inChannels / groups, kH, kW] */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    { kernelSize, stride = 1, padding = 0, dilation = 1, groups = 1, bias = true, ...draw }: Conv2dOptions,
  ) {
    super();
    checkGroups("Conv2d", inChannels, outChannels, groups);
    this.kernelSize = pair(kernelSize);
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.dilation = pair(dilation);
    this.groups = groups;
    this.weight = parameter(empty([outChannels, inChannels / groups, ...this.kernelSize], { dtype: "float32" }));
    this.bias = bias ? parameter(empty([outChannels], { dtype: "float32" })) : undefined;
    defaultWeights_(this.weight, this.bias, draw);
  }

  forward(x: Tensor): Tensor {
    const { bias, stride, padding, dilation, groups } = this;
    return x.conv2d(this.weight, { bias, stride, padding, dilation, groups });
  }
}

export interface ConvTranspose2dOptions extends Conv2dOptions {
  /** Added to one side of the output, which the stride leaves open. */
  readonly outputPadding?: Extent;
}

/** The transpose of a convolution: [B, inChannels, H, W] → [B, outChannels, (H−1)s − 2p + d(k−1) + outputPadding + 1, …]. */
export class ConvTranspose2d extends Module {
  /** [inChannels, outChannels / groups, kH, kW] */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly kernelSize: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly outputPadding: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly groups: number;

  constructor(
    readonly inChannels: number,
    readonly outChannels: number,
    options: ConvTranspose2dOptions,
  ) {
    super();
    const { kernelSize, stride = 1, padding = 0, outputPadding = 0, dilation = 1, groups = 1, bias = true } = options;
    checkGroups("ConvTranspose2d", inChannels, outChannels, groups);
    this.kernelSize = pair(kernelSize);
    this.stride = pair(stride);
    this.padding = pair(padding);
    this.outputPadding = pair(outputPadding);
    this.dilation = pair(dilation);
    this.groups = groups;
    this.weight = parameter(empty([inChannels, outChannels / groups, ...this.kernelSize], { dtype: "float32" }));
    this.bias = bias ? parameter(empty([outChannels], { dtype: "float32" })) : undefined;
    defaultWeights_(this.weight, this.bias, options);
  }

  forward(x: Tensor): Tensor {
    const { bias, stride, padding, outputPadding, dilation, groups } = this;
    return x.convTranspose2d(this.weight, { bias, stride, padding, outputPadding, dilation, groups });
  }
}

function checkGroups(layer: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  throw new Problem({
    what: `${layer} of ${inChannels} → ${outChannels} channels`,
    found: `groups: ${groups}`,
    expected: "a number that divides both channel counts",
  });
}
