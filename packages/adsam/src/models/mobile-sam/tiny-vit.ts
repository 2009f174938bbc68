import { nn, Problem, type Tensor } from "@adsam/torch";
import { neck } from "../sam/neck.js";
import { TinyVitBlock } from "./block.js";
import { checkTinyVitConfig, type TinyVitConfig } from "./config.js";
import { ConvBn } from "./conv-bn.js";
import { ownMapGelu } from "./gelu.js";
import { MbConv } from "./mb-conv.js";
import { PatchMerging } from "./patch-merging.js";

/** Two convolutions of stride 2 with GELU between: [B, 3, H, W] → [B, C, H/4, W/4]. */
class PatchEmbed extends nn.Module {
  readonly seq: nn.Sequential;

  constructor(embedDim: number, frozenBatchNorm: boolean) {
    super();
    const convolution = { kernelSize: 3, stride: 2, frozenBatchNorm };
    this.seq = new nn.Sequential(
      new ConvBn(3, embedDim / 2, convolution),
      new nn.GELU(),
      new ConvBn(embedDim / 2, embedDim, convolution),
    );
  }

  forward(image: Tensor): Tensor {
    const first = ownMapGelu(this.seq[0]!.call(image)); // [B, C/2, H/2, W/2]
    return this.seq[2]!.call(first);
  }
}

/** Blocks of one size, then the way to the next stage; the last stage has none. */
class Stage extends nn.Module {
  readonly blocks: nn.ModuleList<MbConv | TinyVitBlock>;
  readonly downsample: PatchMerging | undefined;

  constructor(blocks: readonly (MbConv | TinyVitBlock)[], downsample: PatchMerging | undefined) {
    super();
    this.blocks = new nn.ModuleList(blocks);
    this.downsample = downsample;
  }

  /** @param map [B, C, H, W] → the next stage's map */
  forward(map: Tensor): Tensor {
    let result = map;
    for (const block of this.blocks) result = block.call(result);
    return this.downsample ? this.downsample.call(result) : result;
  }
}

/**
 * MobileSAM's image encoder (Zhang et al. 2023, arXiv 2306.14289): TinyViT (Wu et al. 2022, arXiv 2207.10666) whose last merge keeps
 * the map's size, under SAM's neck. State-dict names are those of `mobile_sam.pt` behind `image_encoder.`, all of them: the
 * classifier of TinyViT's pretraining (`norm_head`, `head`) is part of that file and of this network, though no picture passes it and
 * no gradient reaches it. It is therefore made frozen.
 *
 * Any picture whose sides are multiples of 16 is taken. Nothing in it depends on the picture's size but where the last windows end.
 * Stochastic depth is left out: the released encoder has none.
 */
export class TinyVit extends nn.Module {
  readonly patchEmbed: PatchEmbed;
  readonly layers: nn.ModuleList<Stage>;
  readonly normHead: nn.LayerNorm | undefined;
  readonly head: nn.Linear | undefined;
  readonly neck: nn.Sequential;
  readonly config: TinyVitConfig;

  /**
   * @param options.frozenBatchNorm use the running statistics also in training; scale and shift stay trained. Where those want no
   *   gradient the statistics stay as they are in any case
   * @throws Problem for sizes that do not go together
   */
  constructor(config: TinyVitConfig, { frozenBatchNorm = true }: { frozenBatchNorm?: boolean } = {}) {
    super();
    checkTinyVitConfig(config);
    this.config = config;
    const { embedDims, depths, outChans, numClasses } = config;
    this.patchEmbed = new PatchEmbed(embedDims[0], frozenBatchNorm);
    this.layers = new nn.ModuleList(
      embedDims.map((dim, stage) => {
        const block = () => {
          if (stage === 0) return new MbConv(dim, config.mbconvExpandRatio, frozenBatchNorm);
          const { mlpRatio, localConvSize } = config;
          const numHeads = config.numHeads[stage]!;
          const windowSize = config.windowSizes[stage]!;
          return new TinyVitBlock(dim, { numHeads, windowSize, mlpRatio, localConvSize, frozenBatchNorm });
        };
        const next = embedDims[stage + 1];
        const stride = stage === 2 ? 1 : 2;
        const merging = next === undefined ? undefined : new PatchMerging(dim, next, stride, frozenBatchNorm);
        return new Stage(Array.from({ length: depths[stage]! }, block), merging);
      }),
    );
    if (numClasses > 0) {
      this.normHead = new nn.LayerNorm(embedDims[3]).requiresGrad_(false);
      this.head = new nn.Linear(embedDims[3], numClasses).requiresGrad_(false);
    }
    this.neck = neck(embedDims[3], outChans);
    this.initialise();
  }

  /** TinyViT's first weights: linear layers normal with deviation 0.02 (the reference cuts off at ±2, a hundred deviations), no bias. */
  private initialise(): void {
    for (const [, module] of this.modules()) {
      if (!(module instanceof nn.Linear)) continue;
      nn.init.normal_(module.weight, { std: 0.02 });
      nn.init.zeros_(module.bias!);
    }
  }

  /**
   * @param image [B, 3, H, W], ImageNet mean and deviation; H and W multiples of 16
   * @returns [B, outChans, H/16, W/16]
   * @throws Problem where a side is no multiple of 16
   */
  forward(image: Tensor): Tensor {
    const { height, width } = image.spatialSize("image");
    const { patchSize } = this.config;
    if (height % patchSize !== 0 || width % patchSize !== 0)
      throw new Problem({
        what: "picture for MobileSAM's image encoder",
        found: `${width}×${height} pixels`,
        expected: `multiples of its stride, ${patchSize}`,
        todo: "Resize or pad it first.",
      });
    // Channels last throughout: what is a map to the convolutions is row-major tokens to the attention, without a copy between.
    let map = this.patchEmbed.call(image.contiguous({ memoryFormat: "channels_last" })); // [B, C0, H/4, W/4]
    for (const layer of this.layers) map = layer.call(map); // [B, C1, H/8, …] → [B, C2, H/16, …] → [B, C3, H/16, …] → the same
    return this.neck.call(map); // [B, outChans, H/16, W/16]
  }
}
