import { gelu } from "@adsam/kernels";
import { cat, nn, type Tensor } from "@adsam/torch";
import { ChannelAttention } from "./channel-attention.js";
import { projectedTo } from "./decoder/stage.js";
import { conv3x3 } from "./deformable-conv.js";
import { type NormName, norm } from "./layers.js";

export interface FusionConfig {
  /** Channels of SAM's embedding; 0 where SAM's encoder is left out. */
  readonly samChannels: number;
  /** Channels of ResNet's layer4; 0 where ResNet is left out. */
  readonly resnetChannels: number;
  readonly outChannels: number;
  readonly deformable: boolean;
  readonly channelAttention: boolean;
  readonly norm: NormName;
}

/**
 * Deformable fusion (AD-SAM, §3): ResNet's last map is brought to SAM's grid and width, both are stacked and aligned by a
 * deformable convolution, and channel attention picks what matters.
 */
export class DeformableFusion extends nn.Module {
  readonly resnetConv: nn.Conv2d | undefined;
  readonly fusionConv: nn.Module;
  readonly channelAttention: ChannelAttention | undefined;
  readonly norm: nn.Module;

  constructor({
    samChannels,
    resnetChannels,
    outChannels,
    deformable,
    channelAttention,
    norm: normName,
  }: FusionConfig) {
    super();
    if (resnetChannels > 0) this.resnetConv = new nn.Conv2d(resnetChannels, outChannels, { kernelSize: 1 });
    this.fusionConv = conv3x3(samChannels + (resnetChannels > 0 ? outChannels : 0), outChannels, deformable);
    if (channelAttention) this.channelAttention = new ChannelAttention(outChannels);
    this.norm = norm(normName, outChannels);
  }

  /**
   * @param sam [B, samChannels, H/16, W/16]
   * @param layer4 [B, resnetChannels, H/32, W/32]
   * @returns [B, outChannels, H/16, W/16]; without SAM the grid is layer4's, doubled
   */
  forward(sam: Tensor | undefined, layer4: Tensor | undefined): Tensor {
    const maps: Tensor[] = [];
    if (sam) maps.push(sam.contiguous({ memoryFormat: "channels_last" })); // as ResNet's maps are
    if (layer4 && this.resnetConv) {
      const own = layer4.spatialSize("layer4");
      const size = sam?.spatialSize("samEmbedding") ?? { height: own.height * 2, width: own.width * 2 };
      maps.push(projectedTo(size, layer4, this.resnetConv));
    }
    const stacked = maps.length === 1 ? maps[0]! : cat(maps, { dim: 1 });
    const fused = this.norm.call(this.fusionConv.call(stacked));
    return gelu(this.channelAttention ? this.channelAttention.call(fused) : fused);
  }
}
