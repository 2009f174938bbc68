import { nn, type Tensor } from "@adsam/torch";

/** Multi-head attention whose heads may work in fewer channels than their input has. */
class Attention extends nn.Module {
  readonly qProj: nn.Linear;
  readonly kProj: nn.Linear;
  readonly vProj: nn.Linear;
  readonly outProj: nn.Linear;

  constructor(
    dim: number,
    private readonly numHeads: number,
    { downsample = 1 } = {},
  ) {
    super();
    this.qProj = new nn.Linear(dim, dim / downsample);
    this.kProj = new nn.Linear(dim, dim / downsample);
    this.vProj = new nn.Linear(dim, dim / downsample);
    this.outProj = new nn.Linear(dim / downsample, dim);
  }

  /** q [P, Nq, C], k and v [P, Nk, C] → [P, Nq, C] */
  forward({ q, k, v }: { q: Tensor; k: Tensor; v: Tensor }): Tensor {
    const query = this.heads(this.qProj.call(q)); // [P, nHeads, Nq, D]
    const key = this.heads(this.kProj.call(k));
    const value = this.heads(this.vProj.call(v));
    const headDim = query.size(-1);
    const weights = query.matmul(key.transpose(-2, -1)).div(Math.sqrt(headDim)).softmax(-1).to({ dtype: value.dtype });
    const mixed = weights.matmul(value).transpose(1, 2).flatten({ startDim: 2 }); // [P, nHeads, Nq, D] → [P, Nq, nHeads·D]
    return this.outProj.call(mixed);
  }

  /** [P, N, nHeads·D] → [P, nHeads, N, D] */
  private heads(x: Tensor): Tensor {
    const [p, n, c] = x.dims3("tokens");
    return x.reshape([p, n, this.numHeads, c / this.numHeads]).transpose(1, 2);
  }
}

/** lin1 → ReLU → lin2. */
class Mlp extends nn.Module {
  readonly lin1: nn.Linear;
  readonly lin2: nn.Linear;

  constructor(dim: number, mlpDim: number) {
    super();
    this.lin1 = new nn.Linear(dim, mlpDim);
    this.lin2 = new nn.Linear(mlpDim, dim);
  }

  forward(x: Tensor): Tensor {
    return this.lin2.call(this.lin1.call(x).relu());
  }
}

/** What the two sides carry through the layers; the codes of their positions stay the same. */
interface TwoWay {
  /** [P, tokens, C] */
  readonly queries: Tensor;
  /** [P, grid², C] */
  readonly keys: Tensor;
  readonly queryPe: Tensor;
  readonly keyPe: Tensor;
}

/** Tokens attend to themselves, then to the picture, pass a perceptron, and the picture attends to them. */
class TwoWayAttentionBlock extends nn.Module {
  readonly selfAttn: Attention;
  readonly norm1: nn.LayerNorm;
  readonly crossAttnTokenToImage: Attention;
  readonly norm2: nn.LayerNorm;
  readonly mlp: Mlp;
  readonly norm3: nn.LayerNorm;
  readonly norm4: nn.LayerNorm;
  readonly crossAttnImageToToken: Attention;

  /** @param first the first block takes the tokens as their own positions: no code is added, and there is no residual */
  constructor(
    dim: number,
    numHeads: number,
    mlpDim: number,
    private readonly first: boolean,
  ) {
    super();
    this.selfAttn = new Attention(dim, numHeads);
    this.norm1 = new nn.LayerNorm([dim]);
    this.crossAttnTokenToImage = new Attention(dim, numHeads, { downsample: 2 });
    this.norm2 = new nn.LayerNorm([dim]);
    this.mlp = new Mlp(dim, mlpDim);
    this.norm3 = new nn.LayerNorm([dim]);
    this.norm4 = new nn.LayerNorm([dim]);
    this.crossAttnImageToToken = new Attention(dim, numHeads, { downsample: 2 });
  }

  forward({ queries, keys, queryPe, keyPe }: TwoWay): { queries: Tensor; keys: Tensor } {
    const own = this.first ? queries : queries.add(queryPe);
    const attended = this.selfAttn.call({ q: own, k: own, v: queries });
    let tokens = this.norm1.call(this.first ? attended : queries.add(attended));
    const image = keys.add(keyPe);
    const seen = this.crossAttnTokenToImage.call({ q: tokens.add(queryPe), k: image, v: keys });
    tokens = this.norm2.call(tokens.add(seen));
    tokens = this.norm3.call(tokens.add(this.mlp.call(tokens)));
    const told = this.crossAttnImageToToken.call({ q: image, k: tokens.add(queryPe), v: tokens });
    return { queries: tokens, keys: this.norm4.call(keys.add(told)) };
  }
}

/** SAM's two-way transformer (Kirillov et al. 2023, fig. 14): tokens and picture, each attending to the other. */
export class TwoWayTransformer extends nn.Module {
  readonly layers: nn.ModuleList<TwoWayAttentionBlock>;
  readonly finalAttnTokenToImage: Attention;
  readonly normFinalAttn: nn.LayerNorm;

  constructor(dim: number, { depth = 2, numHeads = 8, mlpDim = 2048 } = {}) {
    super();
    this.layers = new nn.ModuleList(
      Array.from({ length: depth }, (_, i) => new TwoWayAttentionBlock(dim, numHeads, mlpDim, i === 0)),
    );
    this.finalAttnTokenToImage = new Attention(dim, numHeads, { downsample: 2 });
    this.normFinalAttn = new nn.LayerNorm([dim]);
  }

  /**
   * @param image [P, C, H, W] @param imagePe [1, C, H, W]: codes of its positions @param tokens [P, N, C]
   * @returns queries [P, N, C], and the picture as keys [P, H·W, C]
   */
  forward(image: Tensor, imagePe: Tensor, tokens: Tensor): { queries: Tensor; keys: Tensor } {
    const keyPe = imagePe.flatten({ startDim: 2 }).transpose(1, 2); // [1, C, H, W] → [1, H·W, C]
    let queries = tokens;
    let keys = image.flatten({ startDim: 2 }).transpose(1, 2);
    for (const layer of this.layers) ({ queries, keys } = layer.call({ queries, keys, queryPe: tokens, keyPe }));
    const seen = this.finalAttnTokenToImage.call({ q: queries.add(tokens), k: keys.add(keyPe), v: keys });
    return { queries: this.normFinalAttn.call(queries.add(seen)), keys };
  }
}
