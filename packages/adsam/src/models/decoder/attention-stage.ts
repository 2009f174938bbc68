import { resizeBilinear } from "@adsam/kernels";
import { nn, type Tensor } from "@adsam/torch";
import { Conv2d, norm, normGelu } from "../layers.js";
import { DeformableAttention } from "./deformable-attention.js";
import { DecoderStage, doubled, SkipProjection, type StageConfig } from "./stage.js";

/**
 * The paper's decoder (§3, progressive refinement): the running map, brought to the stage's width and size, asks by deformable
 * attention (8 heads, 4 points) in two maps, the running one and ResNet's of this stage, and a small convolutional
 * feed-forward refines what it found. Both halves are residual, normalised after the sum.
 */
export class AttentionStage extends DecoderStage {
  readonly inputProj: nn.Conv2d;
  readonly skipConv: SkipProjection | undefined;
  readonly attention: DeformableAttention;
  readonly norm1: nn.Module;
  readonly feedForward: nn.Sequential;
  readonly norm2: nn.Module;
  private readonly upsample: boolean;

  constructor(config: StageConfig) {
    super();
    const { inChannels, outChannels, skipChannels, upsample, deformable, heads, points } = config;
    const hidden = Math.max(1, Math.round(config.feedForwardFactor * outChannels));
    this.upsample = upsample;
    this.inputProj = new nn.Conv2d(inChannels, outChannels, { kernelSize: 1 });
    if (skipChannels > 0) this.skipConv = new SkipProjection(skipChannels, outChannels, config.norm);
    this.attention = new DeformableAttention({
      dim: outChannels,
      numHeads: heads,
      numLevels: skipChannels > 0 ? 2 : 1,
      numPoints: points,
      deformable,
    });
    this.norm1 = norm(config.norm, outChannels);
    this.feedForward = new nn.Sequential(
      new Conv2d(outChannels, hidden, { kernelSize: 3, padding: 1 }),
      new nn.GELU(),
      new Conv2d(hidden, outChannels, { kernelSize: 3, padding: 1 }),
    );
    this.norm2 = normGelu(config.norm, outChannels);
  }

  override forward(x: Tensor, skip: Tensor | undefined): Tensor {
    const running = this.inputProj.call(x); // [B, outChannels, h, w]
    let map = this.upsample ? resizeBilinear(running, doubled(running)) : running;
    const levels = [running];
    if (skip && this.skipConv) {
      const detail = this.skipConv.call(skip); // [B, outChannels, …] at ResNet's own size
      map = map.add(resizeBilinear(detail, map.spatialSize("map")));
      levels.push(detail);
    }
    map = this.norm1.call(map.add(this.attention.call(map, levels)));
    return this.norm2.call(map.add(this.feedForward.call(map)));
  }
}
