import { nn, type Tensor } from "@adsam/torch";

/** What AdaptFormer multiplies its change by. */
const scale = 0.1;

/**
 * A bottleneck beside a block's perceptron, on the same normalised tokens (Chen et al. 2022, AdaptFormer, eq. 4–5): down, ReLU, up,
 * times 0.1. It begins without effect: the way up is zero.
 */
export class AdaptFormer extends nn.Module {
  readonly downProj: nn.Linear;
  readonly upProj: nn.Linear;

  /** @param width of the bottleneck */
  constructor(dim: number, width: number) {
    super();
    this.downProj = new nn.Linear(dim, width);
    this.upProj = new nn.Linear(width, dim);
    nn.init.kaimingUniform_(this.downProj.weight, { a: Math.sqrt(5) });
    for (const tensor of [this.downProj.bias!, this.upProj.weight, this.upProj.bias!]) nn.init.zeros_(tensor);
  }

  /** @param x [..., C] → what is added to the perceptron's result, [..., C] */
  forward(x: Tensor): Tensor {
    return this.upProj.call(this.downProj.call(x).relu()).mul(scale);
  }
}
