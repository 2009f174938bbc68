import { nn, type Tensor } from "@adsam/torch";

/** Weighs channels by their means over the whole map (Hu et al. 2018, squeeze and excitation): x · sigmoid(fc2(ReLU(fc1(mean)))). */
class SqueezeExcitation extends nn.Module {
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;

  constructor(channels: number) {
    super();
    const hidden = Math.round(channels / 4);
    this.fc1 = new nn.Linear(channels, hidden);
    this.fc2 = new nn.Linear(hidden, channels);
  }

  /** [B, C, H, W] → [B, C, H, W] */
  forward(x: Tensor): Tensor {
    const weight = this.fc2.call(this.fc1.call(x.mean([2, 3])).relu()).sigmoid(); // [B, C]
    return x.mul(weight.unsqueeze(-1).unsqueeze(-1));
  }
}

/**
 * Refines the stem's map at every block that attends globally: an inverted bottleneck of an eighth of the width, with a depthwise
 * convolution in its middle, beside a squeeze and excitation.
 */
export class RefineAdapter extends nn.Module {
  readonly conv: nn.Sequential;
  readonly se: SqueezeExcitation;

  constructor(channels: number) {
    super();
    const hidden = Math.round(channels / 8);
    this.conv = new nn.Sequential(
      new nn.Conv2d(channels, hidden, { kernelSize: 1, bias: false }),
      new nn.LayerNorm2d(hidden),
      new nn.GELU(),
      new nn.Conv2d(hidden, hidden, { kernelSize: 3, padding: 1, groups: hidden, bias: false }),
      new nn.LayerNorm2d(hidden),
      new nn.GELU(),
      new nn.Conv2d(hidden, channels, { kernelSize: 1, bias: false }),
      new nn.LayerNorm2d(channels),
      new nn.GELU(),
    );
    this.se = new SqueezeExcitation(channels);
  }

  /** [B, C, H, W] → [B, C, H, W] */
  forward(x: Tensor): Tensor {
    return this.conv.call(x).add(this.se.call(x));
  }
}
