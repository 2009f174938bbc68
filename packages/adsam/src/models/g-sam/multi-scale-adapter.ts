import { nn, type Tensor } from "@adsam/torch";
import { convolution } from "../layers.js";

/** How far apart the taps of the dilated branches lie, in tokens. */
const dilations = [12, 24, 36] as const;

/** A 3×3 convolution with dilation, then ReLU: [B, C, H, W] → [B, C, H, W]. */
class Branch extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(channels: number, dilation: number) {
    super();
    this.conv = new nn.Conv2d(channels, channels, { kernelSize: 3, padding: dilation, dilation, bias: false });
  }

  forward(x: Tensor): Tensor {
    return convolution(x, this.conv, this.conv, { relu: true });
  }
}

/** The map's mean through a 1×1 convolution and ReLU: [B, C, H, W] → [B, C, 1, 1]. */
class PoolingBranch extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(channels: number) {
    super();
    this.conv = new nn.Conv2d(channels, channels, { kernelSize: 1, bias: false });
  }

  forward(x: Tensor): Tensor {
    return this.conv.call(x.mean([2, 3], { keepdim: true })).relu_();
  }
}

/** What several scales see of a map, added to it; a sum where DeepLab's pyramid concatenates. */
class ScalePyramid extends nn.Module {
  readonly convs: nn.ModuleList<Branch | PoolingBranch>;

  constructor(channels: number) {
    super();
    const branches = [1, ...dilations].map((dilation) => new Branch(channels, dilation));
    this.convs = new nn.ModuleList<Branch | PoolingBranch>([...branches, new PoolingBranch(channels)]);
  }

  /** [B, C, H, W] → [B, C, H, W] */
  forward(x: Tensor): Tensor {
    let sum = x;
    for (const branch of this.convs) sum = sum.add(branch.call(x));
    return sum;
  }
}

/**
 * G-SAM's spatial-multiscale AdaptFormer (Kato et al. 2024, §3.3): AdaptFormer's bottleneck, a quarter of the tokens' width, with
 * convolutions of dilation 1, 12, 24 and 36 and the mean of the whole map within. Names are the reference's.
 */
export class MultiScaleAdaptFormer extends nn.Module {
  readonly D_fc1: nn.Linear;
  readonly D_fc2: nn.Linear;
  readonly aspp: ScalePyramid;

  constructor(dim: number) {
    super();
    const hiddenDim = Math.floor(dim / 4);
    this.D_fc1 = new nn.Linear(dim, hiddenDim);
    this.D_fc2 = new nn.Linear(hiddenDim, dim);
    this.aspp = new ScalePyramid(hiddenDim);
  }

  /** @param tokens [B, H, W, C], normalised → what is added to the block's result, [B, H, W, C] */
  forward(tokens: Tensor): Tensor {
    const hidden = nn.functional.gelu(this.D_fc1.call(tokens)); // [B, H, W, C/4]
    const seen = this.aspp.call(hidden.permute([0, 3, 1, 2])); // channels last in memory
    return this.D_fc2.call(seen.permute([0, 2, 3, 1]));
  }
}
