import { cat, nn, stack, type Tensor, zeros } from "@adsam/torch";

/** How a layer that makes queries, keys and values at once lays them out: [3, nHeads, D] (SAM), or [nHeads, 3, D] (TinyViT). */
export type QkvLayout = { readonly order: "qkv first" } | { readonly order: "heads first"; readonly numHeads: number };

/**
 * The layer that makes queries, keys and values, with low-rank changes of queries and values beside its frozen weights
 * (Hu et al. 2022, LoRA, eq. 3 with α = r; queries and values as in SAMed, Zhang & Liu 2023). It begins as the layer it replaces:
 * the second factor is zero. State-dict names: those of the layer, and SAMed's `linear_a_q`, `linear_b_q`, `linear_a_v`, `linear_b_v`.
 */
export class LoraQkv extends nn.Module {
  /** [3·C, C] */
  readonly weight: Tensor;
  readonly bias: Tensor | undefined;
  readonly linearAQ: nn.Linear;
  readonly linearBQ: nn.Linear;
  readonly linearAV: nn.Linear;
  readonly linearBV: nn.Linear;

  /** @param layer whose weights are taken over @param rank r, the width between the factors */
  constructor(
    layer: nn.Linear,
    rank: number,
    private readonly layout: QkvLayout,
  ) {
    super();
    this.weight = layer.weight;
    this.bias = layer.bias;
    const dim = layer.inFeatures;
    const first = () => new nn.Linear(dim, rank, { bias: false });
    const second = () => {
      const linear = new nn.Linear(rank, dim, { bias: false });
      nn.init.zeros_(linear.weight);
      return linear;
    };
    this.linearAQ = first();
    this.linearBQ = second();
    this.linearAV = first();
    this.linearBV = second();
  }

  /** @param x [..., C] → [..., 3·C] */
  forward(x: Tensor): Tensor {
    const whole = x.linear(this.weight, { bias: this.bias });
    const q = this.linearBQ.call(this.linearAQ.call(x)); // [..., C]
    const v = this.linearBV.call(this.linearAV.call(x));
    const none = zeros([1], { dtype: q.dtype, device: q.device });
    if (this.layout.order === "qkv first") return whole.add(cat([q, none.expand(q.shape), v], { dim: -1 }));
    const heads = (part: Tensor) => part.unflatten(-1, [(this.layout as { numHeads: number }).numHeads, -1]);
    const change = stack([heads(q), none.expand(heads(q).shape), heads(v)], { dim: -2 }); // [..., nHeads, 3, D]
    return whole.add(change.flatten({ startDim: -3 }));
  }
}
