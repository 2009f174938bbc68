import { nn, Tensor, zeros } from "@adsam/torch";
import type { LoraQkv } from "../adapters/lora.js";

/**
 * Multi-head attention among the tokens of a square window, with a bias for every distance (Graham et al. 2021, LeViT): one learnt
 * number a head for each pair of absolute row and column difference.
 */
export class Attention extends nn.Module {
  readonly norm: nn.LayerNorm;
  /** Replaced where the encoder is adapted. */
  qkv: nn.Linear | LoraQkv;
  readonly proj: nn.Linear;
  /** [nHeads, window²]: by row difference · window + column difference. */
  readonly attentionBiases: Tensor;

  /** @param windowSize side of a window, in tokens */
  constructor(
    dim: number,
    readonly numHeads: number,
    readonly windowSize: number,
  ) {
    super();
    this.norm = new nn.LayerNorm(dim);
    this.qkv = new nn.Linear(dim, 3 * dim);
    this.proj = new nn.Linear(dim, dim);
    this.attentionBiases = nn.parameter(zeros([numHeads, windowSize ** 2], { dtype: "float32" }));
  }

  /** @param tokens [G, N, C], N = windowSize² tokens of G windows, row by row → the same shape */
  forward(tokens: Tensor): Tensor {
    const [g, n, c] = tokens.dims3("tokens");
    const { numHeads } = this;
    const headDim = c / numHeads;
    // A head's query, key and value stand side by side: [G, N, nHeads, 3, D] → [3, G, nHeads, N, D]
    const qkv = this.qkv.call(this.norm.call(tokens)).reshape([g, n, numHeads, 3, headDim]).permute([3, 0, 2, 1, 4]);
    const [q, k, v] = qkv.reshape([3, g * numHeads, n, headDim]).unbind() as [Tensor, Tensor, Tensor]; // [G·nHeads, N, D]
    const logits = q
      .mul(headDim ** -0.5)
      .bmm(k.transpose(1, 2))
      .view([g, numHeads, n, n])
      .add_(this.biases());
    const mixed = logits
      .softmax(-1)
      .to({ dtype: v.dtype })
      .view([g * numHeads, n, n])
      .bmm(v);
    return this.proj.call(mixed.view([g, numHeads, n, headDim]).transpose(1, 2).reshape([g, n, c]));
  }

  /** The learnt numbers spread to every pair of tokens: [nHeads, N, N]. Always from the parameter as it is now. */
  private biases(): Tensor {
    const { windowSize: size, attentionBiases } = this;
    const places = Array.from({ length: size }, (_, place) => place);
    const distances = places.map((one) => places.map((other) => Math.abs(one - other)));
    const distance = Tensor.of(distances, { dtype: "int64", device: attentionBiases.device }); // [window, window]
    const rows = distance.mul(size).reshape([size, 1, size, 1]);
    const columns = distance.reshape([1, size, 1, size]);
    const index = rows.add(columns).reshape([-1]); // [N·N], query first
    return attentionBiases.indexSelect(1, index).reshape([this.numHeads, size ** 2, size ** 2]);
  }
}
