import { nn, type Tensor } from "@adsam/torch";
import { ConvBn } from "./conv-bn.js";
import { ownMapGelu } from "./gelu.js";

/** MobileNetV2's inverted residual with GELU: widen, look around in every channel, narrow, add; GELU also after the sum. */
export class MbConv extends nn.Module {
  readonly conv1: ConvBn;
  readonly conv2: ConvBn;
  readonly conv3: ConvBn;

  constructor(dim: number, expandRatio: number, frozenBatchNorm: boolean) {
    super();
    const hidden = Math.floor(dim * expandRatio);
    this.conv1 = new ConvBn(dim, hidden, { frozenBatchNorm });
    this.conv2 = new ConvBn(hidden, hidden, { kernelSize: 3, groups: hidden, frozenBatchNorm });
    this.conv3 = new ConvBn(hidden, dim, { frozenBatchNorm });
    nn.init.zeros_(this.conv3.bn.weight!); // A new block begins as the identity.
  }

  /** @param map [B, C, H, W] → the same shape */
  forward(map: Tensor): Tensor {
    const wide = ownMapGelu(this.conv1.call(map)); // [B, expandRatio·C, H, W]
    const seen = ownMapGelu(this.conv2.call(wide));
    return ownMapGelu(this.conv3.call(seen).add_(map));
  }
}
