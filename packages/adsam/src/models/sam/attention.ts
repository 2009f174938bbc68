import { cat, nn, type Size, scope, type Tensor, zeros } from "@adsam/torch";
import type { LoraQkv } from "../adapters/lora.js";
import { relativePositions } from "./relative-position.js";

/** A chunk of the attention matrix holds at most this many elements (64 MB in float32), whatever the picture's size. */
const chunkElements = 16 * 1024 * 1024;

/** Multi-head attention over a map, with decomposed relative positions added to its logits (SAM's ViT; MViTv2, eq. 4). */
export class Attention extends nn.Module {
  /** Replaced where the encoder is adapted. */
  qkv: nn.Linear | LoraQkv;
  readonly proj: nn.Linear;
  readonly relPosH: Tensor;
  readonly relPosW: Tensor;
  private readonly numHeads: number;

  /** @param window the map size, in tokens, that the relative positions are made for */
  constructor(dim: number, numHeads: number, window: Size) {
    super();
    this.numHeads = numHeads;
    this.qkv = new nn.Linear(dim, 3 * dim);
    this.proj = new nn.Linear(dim, dim);
    this.relPosH = nn.parameter(zeros([2 * window.height - 1, dim / numHeads]));
    this.relPosW = nn.parameter(zeros([2 * window.width - 1, dim / numHeads]));
  }

  /** @param tokens [B, H, W, C] → the same shape */
  forward(tokens: Tensor): Tensor {
    const [b, h, w, c] = tokens.dims4("tokens");
    const headDim = c / this.numHeads;
    const n = h * w;
    const qkv = this.qkv.call(tokens).reshape([b, n, 3, this.numHeads, headDim]).permute([2, 0, 3, 1, 4]); // → [3, B, nHeads, N, D]
    const [q, k, v] = qkv.reshape([3, b * this.numHeads, n, headDim]).unbind() as [Tensor, Tensor, Tensor]; // [B·nHeads, N, D]
    const rows = relativePositions(this.relPosH, h).to({ dtype: q.dtype }); // [H, H, D]
    const columns = relativePositions(this.relPosW, w).to({ dtype: q.dtype }); // [W, W, D]

    const heads = b * this.numHeads;
    const step = Math.max(1, Math.min(heads, Math.floor(chunkElements / (n * n))));
    const parts: Tensor[] = [];
    for (let first = 0; first < heads; first += step) {
      const length = Math.min(step, heads - first);
      const part = (x: Tensor) => (length === heads ? x : x.narrow(0, first, length));
      parts.push(scope(() => attend(part(q), part(k), part(v), rows, columns)));
    }
    const mixed = parts.length === 1 ? parts[0]! : cat(parts); // [B·nHeads, N, D]
    const joined = mixed.reshape([b, this.numHeads, n, headDim]).permute([0, 2, 1, 3]).reshape([b, h, w, c]);
    return this.proj.call(joined);
  }
}

/** softmax(q·kᵀ/√D + rows + columns)·v for a few heads; q, k, v [G, H·W, D]. */
function attend(q: Tensor, k: Tensor, v: Tensor, rows: Tensor, columns: Tensor): Tensor {
  const [g, n, d] = q.dims3("q");
  const h = rows.size(0);
  const w = columns.size(0);
  const map = q.reshape([g, h, w, d]);
  // Each query's dot product with the positions of its row (column): one matrix product a row (column).
  const relH = map
    .permute([1, 0, 2, 3])
    .reshape([h, g * w, d])
    .bmm(rows.transpose(1, 2)); // [H, G·W, H]
  const relW = map
    .permute([2, 0, 1, 3])
    .reshape([w, g * h, d])
    .bmm(columns.transpose(1, 2)); // [W, G·H, W]
  const byRow = relH.reshape([h, g, w, h]).permute([1, 0, 2, 3]).reshape([g, n, h, 1]);
  const byColumn = relW.reshape([w, g, h, w]).permute([1, 2, 0, 3]).reshape([g, n, 1, w]);
  const logits = q
    .mul(d ** -0.5)
    .bmm(k.transpose(1, 2))
    .reshape([g, n, h, w]);
  return logits.add(byRow).add(byColumn).reshape([g, n, n]).softmax(-1).to({ dtype: v.dtype }).bmm(v);
}
