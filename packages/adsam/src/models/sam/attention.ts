import { relPosAttention, tokenLinear } from "@adsam/kernels";
import { nn, type Size, type Tensor, zeros } from "@adsam/torch";
import { changeQkv, type QkvChanges } from "../adapters/conv-lora.js";
import type { LoraQkv } from "../adapters/lora.js";
import { relativePositions } from "./relative-position.js";
import { joinWindows, splitWindows } from "./windows.js";

/** Multi-head attention over a map, with decomposed relative positions added to its logits (SAM's ViT; MViTv2, eq. 4). */
export class Attention extends nn.Module {
  /** Replaced where the encoder is adapted. */
  qkv: nn.Linear | LoraQkv;
  readonly proj: nn.Linear;
  readonly relPosH: Tensor;
  readonly relPosW: Tensor;

  /**
   * @param windowSize side of a window in tokens; 0 attends globally
   * @param grid the map size, in tokens, that global relative positions are made for
   */
  constructor(
    dim: number,
    readonly numHeads: number,
    private readonly windowSize: number,
    grid: Size,
  ) {
    super();
    this.qkv = new nn.Linear(dim, 3 * dim);
    this.proj = new nn.Linear(dim, dim);
    const { height, width } = windowSize === 0 ? grid : { height: windowSize, width: windowSize };
    this.relPosH = nn.parameter(zeros([2 * height - 1, dim / numHeads]));
    this.relPosW = nn.parameter(zeros([2 * width - 1, dim / numHeads]));
  }

  /** @param tokens [B, H, W, C], normalised → the same shape */
  forward(tokens: Tensor, changes?: QkvChanges): Tensor {
    const mixed = changes ? this.attendChanged(tokens, changes) : this.attend(this.qkv.call(tokens));
    return this.proj.call(mixed);
  }

  /**
   * tokens + forward(norm(tokens)) without a graph, norm and residual within the products.
   * @param tokens [B, H, W, C] → the same shape, float32
   */
  addTo(tokens: Tensor, norm: nn.LayerNorm): Tensor {
    const { qkv, proj } = this;
    const made = qkv instanceof nn.Linear ? tokenLinear(tokens, qkv, { norm }) : qkv.call(norm.call(tokens));
    return tokenLinear(this.attend(made), proj, { residual: tokens });
  }

  /**
   * The reference fills windows that reach beyond the map with zeros before the layer that makes qkv: what is there is its bias.
   * @param qkv [B, H, W, 3·C] → [B, H, W, C]
   */
  private attend(qkv: Tensor): Tensor {
    const [, h, w] = qkv.dims4("qkv");
    const side = this.windowSize;
    const window = side === 0 ? { height: h, width: w } : { height: side, width: side };
    const relPosH = relativePositions(this.relPosH, window.height); // [2·height − 1, D]
    const relPosW = relativePositions(this.relPosW, window.width);
    return relPosAttention(qkv, relPosH, relPosW, { numHeads: this.numHeads, window, outside: this.qkv.bias });
  }

  /** Changes that look around see the window alone, and what stands in it beyond the map: each window is a map of its own to them. */
  private attendChanged(tokens: Tensor, changes: QkvChanges): Tensor {
    const [, height, width] = tokens.dims4("tokens");
    const map = { height, width };
    const window = this.windowSize === 0 ? map : { height: this.windowSize, width: this.windowSize };
    const qkv = changeQkv(this.qkv.call(splitWindows(tokens, window)), changes, this.numHeads);
    return joinWindows(this.attend(qkv), window, map);
  }
}
