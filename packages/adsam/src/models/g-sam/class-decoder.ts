import { cat, nn, stack, type Tensor } from "@adsam/torch";
import { Mlp, outputUpscaling } from "../sam/mask-decoder.js";
import { TwoWayTransformer } from "../sam/two-way-transformer.js";

/** Masks that SAM has tokens for besides the unambiguous one. */
const numMultimaskOutputs = 3;

/**
 * SAM's mask decoder with a mask a class instead of masks for a prompt, as G-SAM's authors have it: tokens, but not the way through the
 * transformer, have grown. The head that predicts IoUs is in the state dict; nobody asks it.
 */
export class ClassDecoder extends nn.Module {
  readonly transformer: TwoWayTransformer;
  readonly iouToken: nn.Embedding;
  readonly maskTokens: nn.Embedding;
  readonly outputUpscaling: nn.Sequential;
  readonly outputHypernetworksMlps: nn.ModuleList<Mlp>;
  readonly iouPredictionHead: Mlp;

  /** @param dim C, the channels of the picture's embedding; a multiple of 16 */
  constructor(
    dim: number,
    readonly numClasses: number,
    { iouHeadHiddenDim = 256 } = {},
  ) {
    super();
    const numMasks = numMultimaskOutputs + 1;
    this.transformer = new TwoWayTransformer(dim);
    this.iouToken = new nn.Embedding(numClasses, dim);
    this.maskTokens = new nn.Embedding(numClasses * numMasks + 1, dim);
    this.outputUpscaling = outputUpscaling(dim);
    this.outputHypernetworksMlps = new nn.ModuleList(
      Array.from({ length: numClasses }, () => new Mlp(dim, dim, dim, dim / 8)),
    );
    this.iouPredictionHead = new Mlp(dim, iouHeadHiddenDim, iouHeadHiddenDim, numMasks);
  }

  /**
   * @param image [B, C, h, w] @param positions [B, C, h, w] @param noPrompt [1, C, 1, 1]: what the picture gets where nobody pointed
   * @returns logits [B, numClasses, 4·h, 4·w]
   */
  forward(image: Tensor, positions: Tensor, noPrompt: Tensor): Tensor {
    const [b, c, h, w] = image.dims4("image");
    const own = cat([this.iouToken.weight, this.maskTokens.weight]); // [numClasses + 4·numClasses + 1, C]
    const tokens = own.unsqueeze(0).expand([b, -1, -1]);
    const { queries, keys } = this.transformer.call(image.add(noPrompt), positions, tokens);

    const map = keys.transpose(1, 2).reshape([b, c, h, w]); // [B, h·w, C] → [B, C, h, w]
    const upscaled = this.outputUpscaling.call(map); // [B, C/8, 4·h, 4·w]
    // The classes' queries begin at 1, as with SAM's single IoU token: all but one are IoU tokens here. So the authors trained it.
    const mixes = [...this.outputHypernetworksMlps].map((mlp, i) => mlp.call(queries.select(1, 1 + i)));
    const masks = stack(mixes, { dim: 1 }).matmul(upscaled.flatten({ startDim: 2 })); // [B, K, C/8]·[B, C/8, 16·h·w]
    return masks.reshape([b, this.numClasses, 4 * h, 4 * w]);
  }
}
