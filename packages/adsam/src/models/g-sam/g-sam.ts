import { resizeBilinear } from "@adsam/kernels";
import { nn, Problem, type Tensor } from "@adsam/torch";
import { encoderConfig } from "../encoders.js";
import { PromptEncoder } from "../sam/prompt-encoder.js";
import { Segmenter, type SegmenterInput } from "../segmenter.js";
import { ClassDecoder } from "./class-decoder.js";
import { authorsConfig, type GSamConfig, patchStride, trainedGrid } from "./config.js";
import { GSamImageEncoder } from "./image-encoder.js";

/** The positions that the decoder adds to the picture's embedding, told from the embedding itself; `proj.0` is the reference's name. */
class EmbeddingPositions extends nn.Module {
  readonly proj: nn.Sequential;

  constructor(dim: number) {
    super();
    this.proj = new nn.Sequential(new nn.Conv2d(dim, dim, { kernelSize: 3, padding: 1, groups: dim }));
  }

  /** [B, C, h, w] → [B, C, h, w] */
  forward(embedding: Tensor): Tensor {
    return this.proj.call(embedding);
  }
}

/**
 * Generalized SAM (Kato et al. 2024, arXiv 2408.12406): SAM fine-tuned with adapters for pictures of any size. State-dict names and what is
 * trained are the authors' (github usagisukisuki/G-SAM): stem, adapters, global relative positions, decoder and its positions learn; the rest,
 * the position generator within the encoder among it, stays.
 */
export class GSam extends Segmenter {
  /** Adapters change what SAM's encoder gives, so none of its embeddings can be kept. */
  readonly samEncoder = undefined;
  readonly imageEncoder: GSamImageEncoder;
  readonly promptEncoder: PromptEncoder;
  readonly maskDecoder: ClassDecoder;
  readonly positionalEncoder: EmbeddingPositions;
  readonly config: GSamConfig;

  /** @throws Problem for an encoder that is no ViT of SAM's */
  constructor(config: Partial<GSamConfig> = {}) {
    super();
    this.config = { ...authorsConfig, ...config };
    const encoder = encoderConfig(this.config.encoder);
    if ("embedDims" in encoder)
      throw new Problem({ what: "G-SAM's encoder", found: "MobileSAM's TinyViT", expected: "a ViT of SAM's" });
    this.imageEncoder = new GSamImageEncoder(encoder, this.config);
    this.promptEncoder = new PromptEncoder(encoder.outChans, trainedGrid, trainedGrid * patchStride);
    this.maskDecoder = new ClassDecoder(encoder.outChans, this.config.numClasses);
    this.positionalEncoder = new EmbeddingPositions(encoder.outChans);
    this.promptEncoder.requiresGrad_(false);
    if (this.config.encoderTrained) return;
    for (const [name, tensor] of this.imageEncoder.namedParameters()) tensor.requiresGrad = this.learns(name);
  }

  /** @returns logits [B, numClasses, H, W] */
  forward({ image }: SegmenterInput): Tensor {
    return resizeBilinear(this.lowResLogits(image), image.spatialSize("image"), { layout: "row-major" });
  }

  /** @param image [B, 3, H, W], ImageNet mean and deviation @returns [B, numClasses, 4·⌊H/8⌋, 4·⌊W/8⌋] */
  lowResLogits(image: Tensor): Tensor {
    const embedding = this.imageEncoder.call(image); // [B, outChans, H/8, W/8]
    const positions = this.positionalEncoder.call(embedding);
    const noPrompt = this.promptEncoder.noMaskEmbed.weight.reshape([1, -1, 1, 1]);
    return this.maskDecoder.call(embedding, positions, noPrompt);
  }

  /** Whether a parameter of the image encoder is trained. */
  private learns(name: string): boolean {
    if (name.startsWith("cnn_embed.") || name.includes("Adapter.")) return true;
    const block = /^blocks\.(\d+)\.attn\.rel_pos_[hw]$/.exec(name);
    return block !== null && this.imageEncoder.blocks[Number(block[1])]!.refine_Adapter !== undefined;
  }
}
