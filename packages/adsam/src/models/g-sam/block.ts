import { servesTokens, tokenMlp } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";
import { Mlp } from "../sam/block.js";
import { MultiScaleAdaptFormer } from "./multi-scale-adapter.js";
import { PooledAttention } from "./pooled-attention.js";
import { RefineAdapter } from "./refine-adapter.js";

/** What the adapter's change is multiplied by. */
const adapterScale = 0.5;

/** SAM's transformer block with a multi-scale adapter beside its perceptron; those that attend globally refine the stem's map, too. */
export class Block extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly attn: PooledAttention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: Mlp;
  /** Where the block attends globally. */
  readonly refine_Adapter: RefineAdapter | undefined;
  readonly MLP_Adapter: MultiScaleAdaptFormer;

  /**
   * @param windowSize side of a window in tokens; 0 attends globally
   * @param grid side of the map, in tokens, that global relative positions are made for
   */
  constructor(dim: number, numHeads: number, mlpRatio: number, windowSize: number, grid: number) {
    super();
    this.norm1 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.attn = new PooledAttention(dim, numHeads, windowSize, grid);
    this.norm2 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.mlp = new Mlp(dim, Math.round(dim * mlpRatio));
    if (windowSize === 0) this.refine_Adapter = new RefineAdapter(dim);
    this.MLP_Adapter = new MultiScaleAdaptFormer(dim);
  }

  /** @param tokens [B, H, W, C] → the same shape */
  forward(tokens: Tensor): Tensor {
    const mixed = tokens.add(this.attn.call(this.norm1.call(tokens)));
    const normed = this.norm2.call(mixed);
    const change = this.MLP_Adapter.call(normed);
    return this.feed(normed, mixed).add(change, { alpha: adapterScale });
  }

  /** residual + mlp(normed); without a graph in one pass over the tokens. */
  private feed(normed: Tensor, residual: Tensor): Tensor {
    const { lin1, lin2 } = this.mlp;
    if (servesTokens(normed, residual, ...this.mlp.tensors())) return tokenMlp(normed, lin1, lin2, { residual });
    return residual.add(this.mlp.call(normed));
  }
}
