import { cat, nn, type Tensor } from "@adsam/torch";
import { conv3x3 } from "../deformable-conv.js";
import { groupNormGelu } from "../layers.js";
import { bilinear, DecoderStage, doubled, SkipProjection, type StageConfig } from "./stage.js";

/** The authors' released decoder: two deformable convolutions over the running map and the skip. Names are theirs. */
export class ConvolutionStage extends DecoderStage {
  readonly skipConv: SkipProjection | undefined;
  readonly conv: nn.Sequential;
  private readonly upsample: boolean;

  constructor({ inChannels, outChannels, skipChannels, upsample, deformable }: StageConfig) {
    super();
    this.upsample = upsample;
    const quarter = skipChannels / 4;
    if (skipChannels > 0) this.skipConv = new SkipProjection(skipChannels, quarter);
    this.conv = new nn.Sequential(
      conv3x3(inChannels + quarter, outChannels, deformable),
      ...groupNormGelu(outChannels),
      conv3x3(outChannels, outChannels, deformable),
      ...groupNormGelu(outChannels),
    );
  }

  override forward(x: Tensor, skip: Tensor | undefined): Tensor {
    let map = this.upsample ? bilinear(x, doubled(x)) : x;
    if (skip && this.skipConv) {
      map = cat([map, this.skipConv.call(skip, map.spatialSize("map"))], { dim: 1 });
    }
    return this.conv.call(map);
  }
}
