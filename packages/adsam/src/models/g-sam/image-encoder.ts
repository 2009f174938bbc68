import { nn, Problem, type Tensor } from "@adsam/torch";
import type { ResNetName } from "../resnet.js";
import type { SamEncoderConfig } from "../sam/config.js";
import { neck } from "../sam/neck.js";
import { Block } from "./block.js";
import { BottleneckAdapter } from "./bottleneck-adapter.js";
import { patchStride, trainedGrid } from "./config.js";
import { OverlappingPatches } from "./patch-embed.js";
import { CnnEmbed } from "./stem.js";

/** Where tokens lie, told from their neighbours (Chu et al. 2023, CPVT's positional encoding generator): a depthwise 3×3. */
class PositionGenerator extends nn.Module {
  readonly conv: nn.Conv2d;

  constructor(dim: number) {
    super();
    this.conv = new nn.Conv2d(dim, dim, { kernelSize: 3, padding: 1, groups: dim });
  }

  /** [B, C, h, w] → [B, C, h, w] */
  forward(map: Tensor): Tensor {
    return this.conv.call(map);
  }
}

/**
 * G-SAM's image encoder (Kato et al. 2024, §3): SAM's ViT on overlapping patches, with a convolutional stem added to its tokens, adapters in
 * its blocks, and positions told by a convolution, so that pictures of any size pass. State-dict names are the authors', behind
 * `image_encoder.`; those of the ViT are SAM's.
 */
export class GSamImageEncoder extends nn.Module {
  readonly cnnEmbed: CnnEmbed;
  readonly patchEmbed: OverlappingPatches;
  readonly posEmbed: PositionGenerator;
  readonly blocks: nn.ModuleList<Block>;
  readonly neck: nn.Sequential;
  readonly input_Adapter: BottleneckAdapter;

  constructor(
    config: SamEncoderConfig,
    { resnet, frozenBatchNorm }: { readonly resnet: ResNetName; readonly frozenBatchNorm: boolean },
  ) {
    super();
    const { embedDim, depth, numHeads, mlpRatio, globalAttnIndexes, outChans } = config;
    this.cnnEmbed = new CnnEmbed(resnet, embedDim, { frozenBatchNorm });
    this.patchEmbed = new OverlappingPatches(embedDim);
    this.posEmbed = new PositionGenerator(embedDim);
    this.blocks = new nn.ModuleList(
      Array.from({ length: depth }, (_, i) => {
        const windowSize = globalAttnIndexes.includes(i) ? 0 : config.windowSize;
        return new Block(embedDim, numHeads, mlpRatio, windowSize, trainedGrid);
      }),
    );
    this.neck = neck(embedDim, outChans);
    this.input_Adapter = new BottleneckAdapter(embedDim);
  }

  /**
   * @param image [B, 3, H, W]
   * @returns [B, outChans, ⌊H/8⌋, ⌊W/8⌋]
   * @throws Problem where a side is smaller than a patch
   */
  forward(image: Tensor): Tensor {
    const { height, width } = image.spatialSize("image");
    if (Math.min(height, width) < patchStride)
      throw new Problem({
        what: "picture for G-SAM",
        found: `${width}×${height} pixels`,
        expected: `at least ${patchStride} on each side`,
      });
    let tokens = this.input_Adapter.call(this.patchEmbed.call(image)); // [B, h, w, C]
    let stem = onGridOf(tokens, this.cnnEmbed.call(image)); // [B, C, h, w]
    const advance = (next: Tensor) => {
      tokens.dispose(); // the memory serves the next block; a graph keeps what it needs
      tokens = next;
    };
    advance(tokens.add(stem.permute([0, 2, 3, 1])));
    for (const [i, block] of [...this.blocks].entries()) {
      advance(block.call(tokens));
      if (block.refine_Adapter) stem = block.refine_Adapter.call(stem);
      if (i === 0) advance(tokens.add(this.posEmbed.call(tokens.permute([0, 3, 1, 2])).permute([0, 2, 3, 1])));
    }
    return this.neck.call(tokens.permute([0, 3, 1, 2]).add(stem, { alpha: 0.5 })); // [B, C, h, w] → [B, outChans, h, w]
  }
}

/** The stem's map for each token, the nearest where the picture is no multiple of 8: [B, C, ⌈H/8⌉, ⌈W/8⌉] → [B, C, h, w] */
function onGridOf(tokens: Tensor, map: Tensor): Tensor {
  const [, height, width] = tokens.dims4("tokens");
  if (map.size(2) === height && map.size(3) === width) return map;
  return nn.functional.interpolate(map, { size: { height, width }, mode: "nearest" });
}
