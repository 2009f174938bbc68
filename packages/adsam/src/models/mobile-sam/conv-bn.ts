import { nn, type Tensor } from "@adsam/torch";

export interface ConvBnOptions {
  readonly kernelSize?: number;
  readonly stride?: number;
  /** Every channel for itself (a depthwise convolution) when it equals both channel counts. */
  readonly groups?: number;
  /** Use the running statistics also in training. */
  readonly frozenBatchNorm: boolean;
}

/**
 * A convolution without bias, its sides kept but for the stride, then BatchNorm; by TinyViT's names, `c` and `bn`.
 *
 * Where the statistics stand still (in evaluation, where they are frozen, and where the norm's own weights are, as in a frozen
 * encoder that is part of a network in training) the norm is multiplied into the convolution's weights (`nn.foldBatchNorm`).
 */
export class ConvBn extends nn.Module {
  readonly c: nn.Conv2d;
  readonly bn: nn.BatchNorm2d;

  constructor(
    inChannels: number,
    outChannels: number,
    { kernelSize = 1, stride = 1, groups = 1, frozenBatchNorm }: ConvBnOptions,
  ) {
    super();
    const padding = (kernelSize - 1) / 2;
    this.c = new nn.Conv2d(inChannels, outChannels, { kernelSize, stride, padding, groups, bias: false });
    this.bn = new nn.BatchNorm2d(outChannels, { frozen: frozenBatchNorm });
  }

  /** @param x [B, inChannels, H, W] → [B, outChannels, ⌈H/stride⌉, ⌈W/stride⌉] */
  forward(x: Tensor): Tensor {
    const learning = this.bn.training && !this.bn.frozen && this.bn.weight!.requiresGrad;
    return learning ? this.bn.call(this.c.call(x)) : nn.foldedConv2d(x, this.c, this.bn);
  }
}
