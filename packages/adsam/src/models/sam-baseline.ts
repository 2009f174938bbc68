import { resizeBilinear } from "@adsam/kernels";
import { nn, Problem, type Tensor } from "@adsam/torch";
import { encoderConfig, type ImageEncoder } from "./encoders.js";
import { Conv2d, normGeluLayers } from "./layers.js";
import { buildUsedEncoder, type EncoderUse, Segmenter, type SegmenterInput } from "./segmenter.js";

export interface SamBaselineConfig extends EncoderUse {
  readonly numClasses: number;
}

const paperBaseline: SamBaselineConfig = {
  numClasses: 19,
  encoder: "sam-vit-h",
  encoderTrained: false,
  embeddingOnly: false,
  adapter: "none",
  adapterDim: null,
};

/** SAM as the paper's baseline (AD-SAM, §4): the frozen encoder under a plain convolutional head. */
export class SamBaseline extends Segmenter {
  readonly samEncoder: ImageEncoder | undefined;
  readonly head: nn.Sequential;
  readonly config: SamBaselineConfig;

  constructor(config: Partial<SamBaselineConfig> = {}) {
    super();
    this.config = { ...paperBaseline, ...config };
    const encoder = encoderConfig(this.config.encoder);
    const { outChans } = encoder;
    this.samEncoder = buildUsedEncoder({ ...this.config, encoder });
    this.head = new nn.Sequential(
      new Conv2d(outChans, outChans, { kernelSize: 3, padding: 1, bias: false }),
      ...normGeluLayers("group", outChans),
      new nn.Conv2d(outChans, this.config.numClasses, { kernelSize: 1 }),
    );
  }

  forward({ image, samEmbedding }: SegmenterInput): Tensor {
    const embedding = samEmbedding ?? this.samEncoder?.call(image); // [B, outChans, H/16, W/16]
    if (!embedding)
      throw new Problem({
        what: "SAM baseline without an encoder",
        found: "no embedding",
        expected: "SAM's embedding of each picture",
      });
    return resizeBilinear(this.head.call(embedding), image.spatialSize("image"), { layout: "row-major" }); // [B, numClasses, H, W]
  }
}
