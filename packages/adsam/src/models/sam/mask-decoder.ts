import { cat, nn, stack, type Tensor } from "@adsam/torch";
import type { PromptEmbeddings } from "./prompt-encoder.js";
import { TwoWayTransformer } from "./two-way-transformer.js";

/** Linear layers with ReLU between them. */
export class Mlp extends nn.Module {
  readonly layers: nn.ModuleList<nn.Linear>;

  /** @param dims input, hidden …, output */
  constructor(...dims: readonly number[]) {
    super();
    this.layers = new nn.ModuleList(dims.slice(1).map((to, i) => new nn.Linear(dims[i]!, to)));
  }

  forward(x: Tensor): Tensor {
    const last = this.layers.length - 1;
    let out = x;
    for (const [i, layer] of [...this.layers].entries()) out = i < last ? layer.call(out).relu() : layer.call(out);
    return out;
  }
}

/** The picture's embedding four times as large, with an eighth of its channels: [P, C, H, W] → [P, C/8, 4·H, 4·W]. */
export function outputUpscaling(dim: number): nn.Sequential {
  const doubling = { kernelSize: 2, stride: 2 };
  return new nn.Sequential(
    new nn.ConvTranspose2d(dim, dim / 4, doubling),
    new nn.LayerNorm2d(dim / 4),
    new nn.GELU(),
    new nn.ConvTranspose2d(dim / 4, dim / 8, doubling),
    new nn.GELU(),
  );
}

export interface DecodedMasks {
  /** logits [P, M, 4·grid, 4·grid] */
  readonly lowResMasks: Tensor;
  /** [P, M]: how well the network thinks each mask fits (IoU) */
  readonly iouPredictions: Tensor;
}

/** SAM's mask decoder (Kirillov et al. 2023, §A), state-dict names as in the released checkpoints behind `mask_decoder.`. */
export class MaskDecoder extends nn.Module {
  readonly transformer: TwoWayTransformer;
  readonly iouToken: nn.Embedding;
  readonly maskTokens: nn.Embedding;
  readonly outputUpscaling: nn.Sequential;
  readonly outputHypernetworksMlps: nn.ModuleList<Mlp>;
  readonly iouPredictionHead: Mlp;
  readonly numMultimaskOutputs: number;

  /** @param dim C, the channels of the picture's embedding; a multiple of 16 */
  constructor(dim: number, { numMultimaskOutputs = 3, iouHeadHiddenDim = 256 } = {}) {
    super();
    this.numMultimaskOutputs = numMultimaskOutputs;
    const numMasks = numMultimaskOutputs + 1; // the first answers prompts that are not ambiguous
    this.transformer = new TwoWayTransformer(dim);
    this.iouToken = new nn.Embedding(1, dim);
    this.maskTokens = new nn.Embedding(numMasks, dim);
    this.outputUpscaling = outputUpscaling(dim);
    this.outputHypernetworksMlps = new nn.ModuleList(
      Array.from({ length: numMasks }, () => new Mlp(dim, dim, dim, dim / 8)),
    );
    this.iouPredictionHead = new Mlp(dim, iouHeadHiddenDim, iouHeadHiddenDim, numMasks);
  }

  /**
   * @param image [P, C, grid, grid], each prompt's picture; or [1, C, grid, grid] where all have the same
   * @param imagePe [1, C, grid, grid]
   * @param prompts of P masks
   * @param multimaskOutput three masks a prompt (whole, part, subpart), or the one for prompts that say enough
   */
  forward(
    image: Tensor,
    imagePe: Tensor,
    { sparse, dense }: PromptEmbeddings,
    { multimaskOutput }: { readonly multimaskOutput: boolean },
  ): DecodedMasks {
    const [p] = sparse.dims3("sparse");
    const [, c, h, w] = image.dims4("image");
    const own = cat([this.iouToken.weight, this.maskTokens.weight]); // [1 + numMasks, C]
    const tokens = cat([own.unsqueeze(0).expand([p, -1, -1]), sparse], { dim: 1 });
    const { queries, keys } = this.transformer.call(image.add(dense), imagePe, tokens);

    const map = keys.transpose(1, 2).reshape([p, c, h, w]); // [P, H·W, C] → [P, C, H, W]
    const upscaled = this.outputUpscaling.call(map); // [P, C/8, 4H, 4W]
    const first = multimaskOutput ? 1 : 0;
    const count = multimaskOutput ? this.outputHypernetworksMlps.length - 1 : 1;
    const mixes = Array.from({ length: count }, (_, i) =>
      this.outputHypernetworksMlps[first + i]!.call(queries.select(1, 1 + first + i)),
    );
    const masks = stack(mixes, { dim: 1 }).matmul(upscaled.flatten({ startDim: 2 })); // [P, M, C/8]·[P, C/8, 16·H·W]
    const iou = this.iouPredictionHead.call(queries.select(1, 0)); // [P, numMasks]
    return { lowResMasks: masks.reshape([p, count, 4 * h, 4 * w]), iouPredictions: iou.narrow(1, first, count) };
  }
}
