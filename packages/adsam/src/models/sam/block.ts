import { servesTokens, tokenMlp } from "@adsam/kernels";
import { nn, type Size, type Tensor } from "@adsam/torch";
import type { AdaptFormer } from "../adapters/adaptformer.js";
import type { ConvLora } from "../adapters/conv-lora.js";
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

  /** tokens + forward(norm(tokens)) without a graph, in one pass over the tokens. */
  addTo(tokens: Tensor, norm: nn.LayerNorm): Tensor {
    const sum = tokenMlp(tokens, this.lin1, this.lin2, { norm, residual: tokens });
    return this.adapter ? sum.add(this.adapter.call(norm.call(tokens))) : sum;
  }
}

/** A transformer block that attends within windows, or over the whole map. */
export class Block extends nn.Module {
  readonly norm1: nn.LayerNorm;
  readonly attn: Attention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: Mlp;
  /** Set, all three, where the encoder is adapted. */
  lora_q: ConvLora | undefined;
  lora_k: ConvLora | undefined;
  lora_v: ConvLora | undefined;

  /**
   * @param windowSize side of a window in tokens; 0 attends globally
   * @param grid the map size, in tokens, that global relative positions are made for
   */
  constructor(dim: number, numHeads: number, mlpRatio: number, windowSize: number, grid: Size) {
    super();
    this.norm1 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.attn = new Attention(dim, numHeads, windowSize, grid);
    this.norm2 = new nn.LayerNorm([dim], { eps: 1e-6 });
    this.mlp = new Mlp(dim, Math.round(dim * mlpRatio));
  }

  /** @param tokens [B, H, W, C] → the same shape */
  forward(tokens: Tensor): Tensor {
    const { norm1, attn, norm2, mlp, lora_q: q, lora_k: k, lora_v: v } = this;
    const changes = q && k && v && ([q, k, v] as const);
    const fused = servesTokens(tokens, ...this.tensors());
    const mixed = fused && !changes ? attn.addTo(tokens, norm1) : tokens.add(attn.call(norm1.call(tokens), changes));
    if (fused) return mlp.addTo(mixed, norm2);
    return mixed.add(mlp.call(norm2.call(mixed)));
  }
}
