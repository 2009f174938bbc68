import { nn, type Tensor } from "@adsam/torch";
import { ConvBn } from "./conv-bn.js";
import { ownMapGelu } from "./gelu.js";

/** Leads from one stage to the next: other channels, and half as many places to a side where `stride` is 2. */
export class PatchMerging extends nn.Module {
  readonly conv1: ConvBn;
  readonly conv2: ConvBn;
  readonly conv3: ConvBn;

  constructor(dim: number, outDim: number, stride: 1 | 2, frozenBatchNorm: boolean) {
    super();
    this.conv1 = new ConvBn(dim, outDim, { frozenBatchNorm });
    this.conv2 = new ConvBn(outDim, outDim, { kernelSize: 3, stride, groups: outDim, frozenBatchNorm });
    this.conv3 = new ConvBn(outDim, outDim, { frozenBatchNorm });
  }

  /** @param map [B, dim, H, W] → [B, outDim, ⌈H/stride⌉, ⌈W/stride⌉] */
  forward(map: Tensor): Tensor {
    const mapped = ownMapGelu(this.conv1.call(map));
    const merged = ownMapGelu(this.conv2.call(mapped));
    return this.conv3.call(merged);
  }
}
