import { nn, type Tensor } from "@adsam/torch";

/** Weighs channels by what the whole map shows (CBAM's channel half; Woo et al. 2018): sigmoid(fc(avg) + fc(max)). */
export class ChannelAttention extends nn.Module {
  readonly fc: nn.Sequential;

  constructor(channels: number, reduction = 16) {
    super();
    const hidden = Math.max(1, Math.floor(channels / reduction));
    this.fc = new nn.Sequential(
      new nn.Linear(channels, hidden, { bias: false }),
      new nn.ReLU(),
      new nn.Linear(hidden, channels, { bias: false }),
    );
  }

  /** [B, C, H, W] → [B, C, H, W] */
  forward(x: Tensor): Tensor {
    const average = this.fc.call(x.mean([2, 3])); // [B, C]
    const peak = this.fc.call(x.amax({ dim: [2, 3] }));
    const weight = average.add(peak).sigmoid();
    return x.mul(weight.unsqueeze(-1).unsqueeze(-1));
  }
}
