import { servesTokens, tokenLinear } from "@adsam/kernels";
import { nn, Problem, type Tensor, zeros } from "@adsam/torch";
import { Block } from "./block.js";
import type { SamEncoderConfig } from "./config.js";
import { neck } from "./neck.js";

/** Cuts a picture into patches and projects each, and adds where it lies: [B, 3, H, W] → [B, H/p, W/p, C]. */
class PatchEmbed extends nn.Module {
  readonly proj: nn.Conv2d;

  constructor(
    private readonly patchSize: number,
    embedDim: number,
  ) {
    super();
    this.proj = new nn.Conv2d(3, embedDim, { kernelSize: patchSize, stride: patchSize });
  }

  /** @param positions [1, H/p, W/p, C] */
  forward(image: Tensor, positions: Tensor): Tensor {
    const { weight, bias } = this.proj;
    if (!servesTokens(image, positions, weight, bias))
      return this.proj.call(image).permute([0, 2, 3, 1]).add(positions);
    const [b, , height, width] = image.dims4("image");
    const side = this.patchSize;
    const [h, w] = [height / side, width / side];
    const patches = image
      .reshape([b, 3, h, side, w, side])
      .permute([0, 2, 4, 1, 3, 5]) // [B, 3, H/p, p, W/p, p] → [B, H/p, W/p, 3, p, p]
      .reshape([b, h, w, 3 * side * side]);
    return tokenLinear(patches, { weight: weight.flatten({ startDim: 1 }), bias }, { residual: positions });
  }
}

/**
 * SAM's image encoder (Kirillov et al. 2023, §A; Li et al. 2022, ViTDet), state-dict names as in the released checkpoints
 * behind `image_encoder.`. Any picture whose sides are multiples of the patch is taken: absolute positions are interpolated
 * bicubically, relative ones linearly, each axis on its own.
 */
export class SamImageEncoder extends nn.Module {
  readonly posEmbed: Tensor;
  readonly patchEmbed: PatchEmbed;
  readonly blocks: nn.ModuleList<Block>;
  readonly neck: nn.Sequential;
  readonly config: SamEncoderConfig;

  constructor(config: SamEncoderConfig) {
    super();
    this.config = config;
    const { embedDim, outChans, patchSize } = config;
    const side = config.imageSize / patchSize;
    this.posEmbed = nn.parameter(zeros([1, side, side, embedDim]));
    this.patchEmbed = new PatchEmbed(patchSize, embedDim);
    this.blocks = new nn.ModuleList(
      Array.from({ length: config.depth }, (_, i) => {
        const windowSize = config.globalAttnIndexes.includes(i) ? 0 : config.windowSize;
        return new Block(embedDim, config.numHeads, config.mlpRatio, windowSize, { height: side, width: side });
      }),
    );
    this.neck = neck(embedDim, outChans);
  }

  /**
   * @param image [B, 3, H, W], ImageNet mean and deviation (SAM's own, 123.675 … of 255, are the same numbers)
   * @returns [B, outChans, H/p, W/p]
   * @throws Problem where a side is no multiple of the patch
   */
  forward(image: Tensor): Tensor {
    const { height, width } = image.spatialSize("image");
    const { patchSize } = this.config;
    if (height % patchSize !== 0 || width % patchSize !== 0)
      throw new Problem({
        what: "picture for SAM's image encoder",
        found: `${width}×${height} pixels`,
        expected: `multiples of its patch, ${patchSize}`,
        todo: "Resize or pad it first.",
      });
    let tokens = this.patchEmbed.call(image, this.positions(height / patchSize, width / patchSize)); // [B, H/p, W/p, C]
    for (const block of this.blocks) {
      const next = block.call(tokens);
      tokens.dispose(); // the memory serves the next block; a graph keeps what it needs
      tokens = next;
    }
    return this.neck.call(tokens.permute([0, 3, 1, 2])); // [B, C, H/p, W/p] → [B, outChans, H/p, W/p]
  }

  private positions(height: number, width: number): Tensor {
    const [, h, w] = this.posEmbed.dims4("posEmbed");
    if (h === height && w === width) return this.posEmbed;
    return this.posEmbed.permute([0, 3, 1, 2]).upsampleBicubic2d([height, width], false).permute([0, 2, 3, 1]);
  }
}
