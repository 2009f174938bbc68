import { nn, type Tensor } from "@adsam/torch";
import type { AdaptFormer } from "../adapters/adaptformer.js";
import { Attention } from "./attention.js";
import { ConvBn } from "./conv-bn.js";
import { ownGelu } from "./gelu.js";

/** norm → fc1 → GELU → fc2, by TinyViT's names. */
export class Mlp extends nn.Module {
  readonly norm: nn.LayerNorm;
  readonly fc1: nn.Linear;
  readonly fc2: nn.Linear;
  /** Set where the encoder is adapted. */
  adapter: AdaptFormer | undefined;

  constructor(dim: number, hiddenDim: number) {
    super();
    this.norm = new nn.LayerNorm(dim);
    this.fc1 = new nn.Linear(dim, hiddenDim);
    this.fc2 = new nn.Linear(hiddenDim, dim);
  }

  /** @param x [..., C] → the same shape */
  forward(x: Tensor): Tensor {
    const normed = this.norm.call(x);
    const result = this.fc2.call(ownGelu(this.fc1.call(normed)));
    return this.adapter ? result.add(this.adapter.call(normed)) : result;
  }
}

export interface BlockOptions {
  readonly numHeads: number;
  /** Side of a window, in tokens. */
  readonly windowSize: number;
  readonly mlpRatio: number;
  readonly localConvSize: number;
  readonly frozenBatchNorm: boolean;
}

/** Attention within windows, a depthwise convolution that lets neighbouring windows see each other, and an MLP. */
export class TinyVitBlock extends nn.Module {
  readonly attn: Attention;
  readonly mlp: Mlp;
  readonly localConv: ConvBn;

  constructor(
    dim: number,
    { numHeads, windowSize, mlpRatio, localConvSize: kernelSize, frozenBatchNorm }: BlockOptions,
  ) {
    super();
    this.attn = new Attention(dim, numHeads, windowSize);
    this.mlp = new Mlp(dim, Math.floor(dim * mlpRatio));
    this.localConv = new ConvBn(dim, dim, { kernelSize, groups: dim, frozenBatchNorm });
  }

  /** @param map [B, C, H, W] → the same shape, channels last in memory: as tokens it is row-major */
  forward(map: Tensor): Tensor {
    const tokens = map.permute([0, 2, 3, 1]); // [B, C, H, W] → [B, H, W, C]
    const attended = tokens.add(this.attendInWindows(tokens));
    const local = this.localConv.call(attended.permute([0, 3, 1, 2])).permute([0, 2, 3, 1]);
    return local.add(this.mlp.call(local)).permute([0, 3, 1, 2]);
  }

  /**
   * Windows at the right and lower edge are filled up with zeros before the attention's own norm, which makes them its bias, and
   * real tokens attend to them: so the reference does, and so the released weights expect it.
   */
  private attendInWindows(tokens: Tensor): Tensor {
    const [b, h, w, c] = tokens.dims4("tokens");
    const size = this.attn.windowSize;
    const down = Math.ceil(h / size);
    const across = Math.ceil(w / size);
    const missing = [across * size - w, down * size - h] as const;
    const whole = missing[0] === 0 && missing[1] === 0;
    const padded = whole ? tokens : tokens.pad([0, 0, 0, missing[0], 0, missing[1]]);
    const windows = padded
      .reshape([b, down, size, across, size, c])
      .permute([0, 1, 3, 2, 4, 5])
      .reshape([b * down * across, size * size, c]);
    const attended = this.attn.call(windows).reshape([b, down, across, size, size, c]);
    const joined = attended.permute([0, 1, 3, 2, 4, 5]).reshape([b, down * size, across * size, c]);
    return whole ? joined : joined.narrow(1, 0, h).narrow(2, 0, w);
  }
}
