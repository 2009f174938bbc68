import { resizeBilinear } from "@adsam/kernels";
import { nn, Problem, type Tensor } from "@adsam/torch";
import { AttentionStage } from "./decoder/attention-stage.js";
import { ConvolutionStage } from "./decoder/convolution-stage.js";
import type { DecoderStage } from "./decoder/stage.js";
import { encoderConfig, type ImageEncoder } from "./encoders.js";
import { DeformableFusion } from "./fusion.js";
import { Conv2d, type NormName, normGeluLayers } from "./layers.js";
import { ResNet, type ResNetName } from "./resnet.js";
import { buildUsedEncoder, type EncoderUse, Segmenter, type SegmenterInput } from "./segmenter.js";

/** Which AD-SAM: the paper's by default; every ablation of the paper is another value here. */
export interface AdSamConfig extends Omit<EncoderUse, "encoder"> {
  readonly numClasses: number;
  /** "none" leaves SAM's encoder out. */
  readonly encoder: EncoderUse["encoder"] | "none";
  readonly resnet: ResNetName | "none";
  readonly decoder: "deformable-attention" | "deformable-convolution";
  readonly deformable: boolean;
  readonly channelAttention: boolean;
  readonly frozenBatchNorm: boolean;
  /** Channels of the fused map, and after each stage of the decoder; multiples of 8 (GroupNorm's groups). */
  readonly fusionDim: number;
  readonly decoderDims: readonly [number, number, number];
  readonly attentionHeads: number;
  readonly attentionPoints: number;
  readonly norm: NormName;
  /** Channels within the feed-forward of a stage with attention, times the stage's own. */
  readonly feedForwardFactor: number;
}

/** AD-SAM as the paper has it. */
export const paperConfig: AdSamConfig = {
  numClasses: 19,
  encoder: "sam-vit-h",
  resnet: "resnet50",
  decoder: "deformable-attention",
  deformable: true,
  channelAttention: true,
  frozenBatchNorm: true,
  encoderTrained: false,
  embeddingOnly: false,
  adapter: "none",
  adapterDim: null,
  fusionDim: 256,
  decoderDims: [128, 64, 32],
  attentionHeads: 8,
  attentionPoints: 4,
  norm: "group",
  feedForwardFactor: 2,
};

/** AD-SAM (arXiv 2510.27047, §3): SAM's global context and ResNet's local detail, fused and decoded by deformable layers. */
export class AdSam extends Segmenter {
  readonly samEncoder: ImageEncoder | undefined;
  readonly resnetEncoder: ResNet | undefined;
  readonly fusionLayers: nn.ModuleList<DeformableFusion>;
  readonly up1: DecoderStage;
  readonly up2: DecoderStage;
  readonly up3: DecoderStage;
  readonly classifier: nn.Sequential;
  readonly config: AdSamConfig;

  constructor(config: Partial<AdSamConfig> = {}) {
    super();
    this.config = { ...paperConfig, ...config };
    const { numClasses, encoder, resnet, decoder, deformable, channelAttention, fusionDim, norm } = this.config;
    const [dim1, dim2, dim3] = this.config.decoderDims;
    if (encoder === "none" && resnet === "none")
      throw new Problem({
        what: "AD-SAM",
        found: "neither SAM's encoder nor ResNet",
        expected: "at least one of them",
      });
    const sam = encoder === "none" ? undefined : encoderConfig(encoder);
    if (sam) this.samEncoder = buildUsedEncoder({ ...this.config, encoder: sam });
    if (resnet !== "none") this.resnetEncoder = new ResNet(resnet, { frozenBatchNorm: this.config.frozenBatchNorm });
    const [layer1, layer2, layer3, layer4] = this.resnetEncoder?.channels ?? [0, 0, 0, 0];
    this.fusionLayers = new nn.ModuleList([
      new DeformableFusion({
        samChannels: sam?.outChans ?? 0,
        resnetChannels: layer4,
        outChannels: fusionDim,
        deformable,
        channelAttention,
        norm,
      }),
    ]);
    const Stage = decoder === "deformable-attention" ? AttentionStage : ConvolutionStage;
    const { attentionHeads: heads, attentionPoints: points, feedForwardFactor } = this.config;
    const common = { deformable, heads, points, norm, feedForwardFactor };
    this.up1 = new Stage({ inChannels: fusionDim, outChannels: dim1, skipChannels: layer3, upsample: true, ...common });
    this.up2 = new Stage({ inChannels: dim1, outChannels: dim2, skipChannels: layer2, upsample: true, ...common });
    this.up3 = new Stage({ inChannels: dim2, outChannels: dim3, skipChannels: layer1, upsample: false, ...common });
    this.classifier = new nn.Sequential(
      new Conv2d(dim3, dim3, { kernelSize: 3, padding: 1 }),
      ...normGeluLayers(norm, dim3),
      new nn.Conv2d(dim3, numClasses, { kernelSize: 1 }),
    );
  }

  /** @returns logits [B, numClasses, H, W] */
  forward({ image, samEmbedding }: SegmenterInput): Tensor {
    const size = image.spatialSize("image");
    const global = samEmbedding ?? this.samEncoder?.call(image); // [B, outChans, H/16, W/16]
    const local = this.resnetEncoder?.call(image); // strides 4, 8, 16, 32
    let map = this.fusionLayers[0]!.call(global, local?.layer4); // [B, 256, H/16, W/16]
    map = this.up1.call(map, local?.layer3); // [B, 128, H/8, W/8]
    map = this.up2.call(map, local?.layer2); // [B, 64, H/4, W/4]
    map = this.up3.call(map, local?.layer1); // [B, 32, H/4, W/4]
    return resizeBilinear(this.classifier.call(map), size, { layout: "row-major" }); // [B, numClasses, H, W]
  }
}
