import { resizeBilinear, resizeBilinearCat } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";
import { conv3x3 } from "../deformable-conv.js";
import { normGeluLayers } from "../layers.js";
import { DecoderStage, doubled, SkipProjection, type StageConfig } from "./stage.js";

/** The authors' released decoder: two deformable convolutions over the running map and the skip. Names are theirs. */
export class ConvolutionStage extends DecoderStage {
  readonly skipConv: SkipProjection | undefined;
  readonly conv: nn.Sequential;
  private readonly upsample: boolean;

  constructor({ inChannels, outChannels, skipChannels, upsample, deformable, norm }: StageConfig) {
    super();
    this.upsample = upsample;
    const quarter = skipChannels / 4;
    if (skipChannels > 0) this.skipConv = new SkipProjection(skipChannels, quarter, norm);
    this.conv = new nn.Sequential(
      conv3x3(inChannels + quarter, outChannels, deformable),
      ...normGeluLayers(norm, outChannels),
      conv3x3(outChannels, outChannels, deformable),
      ...normGeluLayers(norm, outChannels),
    );
  }

  override forward(x: Tensor, skip: Tensor | undefined): Tensor {
    const size = this.upsample ? doubled(x) : x.spatialSize("x");
    if (skip && this.skipConv) return this.conv.call(resizeBilinearCat(x, this.skipConv.call(skip, size)));
    return this.conv.call(this.upsample ? resizeBilinear(x, size) : x);
  }
}
