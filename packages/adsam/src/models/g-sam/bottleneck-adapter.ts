import { nn, type Tensor } from "@adsam/torch";

/** Tokens and a change of them through a bottleneck of a quarter of their width: x + fc2(GELU(fc1(x))). Names are the reference's. */
export class BottleneckAdapter extends nn.Module {
  readonly D_fc1: nn.Linear;
  readonly D_fc2: nn.Linear;

  constructor(dim: number) {
    super();
    const hiddenDim = Math.floor(dim / 4);
    this.D_fc1 = new nn.Linear(dim, hiddenDim);
    this.D_fc2 = new nn.Linear(hiddenDim, dim);
  }

  /** [..., C] → [..., C] */
  forward(x: Tensor): Tensor {
    return x.add(this.D_fc2.call(nn.functional.gelu(this.D_fc1.call(x))));
  }
}
