import { nn, type Size, type Tensor } from "@adsam/torch";
import type { AdaptFormer } from "../adapters/adaptformer.js";
import { Attention } from "./attention.js";

/** lin1 → GELU → lin2, by SAM's names. */
export class Mlp extends nn.Module {
  readonly lin1: nn.Linear;
  readonly lin2: nn.Linear;
  /** Set where the encoder is adapted. */
  adapter: AdaptFormer | undefined;

  constructor(dim: number, hiddenDim: number) {
    super();
    this.lin1 = new nn.Linear(dim, hiddenDim);
    this.lin2 = new nn.Linear(hiddenDim, dim);
  }

  forward(x: Tensor): Tensor {
    const result = this.lin2.call(nn.functional.gelu(this.lin1.call(x)));
    return this.adapter ? result.add(this.adapter.call(x)) : result;
  }
}

/** A transformer block that attends within windows, or over the whole map. */
export class Block extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly attn: Attention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: Mlp;
  private readonly windowSize: number;

  /**
   * @param windowSize side of a window in tokens; 0 attends globally
   * @param grid the map size, in tokens, that global relative positions are made for
   */
  constructor(dim: number, numHeads: number, mlpRatio: number, windowSize: number, grid: Size) {
    super();
    this.windowSize = windowSize;
    this.norm1 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.attn = new Attention(dim, numHeads, windowSize === 0 ? grid : { height: windowSize, width: windowSize });
    this.norm2 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.mlp = new Mlp(dim, Math.round(dim * mlpRatio));
  }

  /** @param tokens [B, H, W, C] → the same shape */
  forward(tokens: Tensor): Tensor {
    const normed = this.norm1.call(tokens);
    const attended = this.windowSize === 0 ? this.attn.call(normed) : this.attendInWindows(normed);
    const mixed = tokens.add(attended);
    return mixed.add(this.mlp.call(this.norm2.call(mixed)));
  }

  /** Windows at the right and bottom edge are filled with zeros, as in the reference. */
  private attendInWindows(tokens: Tensor): Tensor {
    const [b, h, w, c] = tokens.dims4("tokens");
    const size = this.windowSize;
    const down = Math.ceil(h / size);
    const across = Math.ceil(w / size);
    const padded = tokens.pad([0, 0, 0, across * size - w, 0, down * size - h]);
    const windows = padded
      .reshape([b, down, size, across, size, c])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([-1, size, size, c]);
    const attended = this.attn.call(windows).reshape([b, down, across, size, size, c]);
    const map = attended.permute([0, 1, 3, 2, 4, 5]).reshape([b, down * size, across * size, c]);
    return map.narrow(1, 0, h).narrow(2, 0, w);
  }
}
