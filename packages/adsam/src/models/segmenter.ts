import { nn, scope, type Tensor } from "@adsam/torch";
import { type AdapterKind, adapt } from "./adapters/adapt.js";
import { buildEncoder, type EncoderSpec, type ImageEncoder } from "./encoders.js";

export interface SegmenterInput {
  /** [B, 3, H, W], ImageNet mean and deviation; H and W multiples of 32 */
  readonly image: Tensor;
  /** [B, outChans, H/16, W/16]: SAM's embedding of the picture, where it was computed before */
  readonly samEmbedding?: Tensor;
}

/** SAM's encoder within a segmentation network. */
export interface EncoderUse {
  /** By name, by its sizes, or by its file. */
  readonly encoder: EncoderSpec;
  /** Whether it is trained along; frozen in the paper. */
  readonly encoderTrained: boolean;
  /** Leaves it unbuilt: its embedding is then given with every picture. */
  readonly embeddingOnly: boolean;
  /** Whether its weights are loaded afterwards: no first weights are drawn then, and what stands behind it begins alike with it and without. */
  readonly encoderLoaded?: boolean;
  /** Small trained layers within the frozen encoder. */
  readonly adapter: AdapterKind | "none";
  /** Rank of LoRA and ConvLoRA, AdaptFormer's bottleneck; null: as `adapt` has it. */
  readonly adapterDim: number | null;
}

/** @returns undefined where only embeddings are given */
export function buildUsedEncoder({
  encoder,
  encoderTrained,
  embeddingOnly,
  encoderLoaded = false,
  adapter,
  adapterDim,
}: EncoderUse): ImageEncoder | undefined {
  if (embeddingOnly) return undefined;
  const built = encoderLoaded ? nn.init.skipInit(() => buildEncoder(encoder)) : buildEncoder(encoder);
  if (!encoderTrained) built.requiresGrad_(false);
  if (adapter !== "none") adapt(built, adapter, adapterDim ?? undefined);
  return built;
}

export interface TrainingLogits {
  /** [B, numClasses, H, W] */
  readonly logits: Tensor;
  /** Of an auxiliary head; as `logits`. */
  readonly auxiliary?: Tensor;
}

/** A network that gives each pixel its class: what training, evaluation and prediction know of AD-SAM and of what it is compared with. */
export abstract class Segmenter extends nn.Module {
  abstract readonly config: { readonly numClasses: number };
  /** Where it has one, and builds it. */
  abstract readonly samEncoder: ImageEncoder | undefined;

  /** @returns logits [B, numClasses, H, W] */
  abstract override forward(input: SegmenterInput): Tensor;

  /** What training scores: the logits, and those of a head that only helps training, where there is one. */
  trainingLogits(input: SegmenterInput): TrainingLogits {
    return { logits: scope(() => this.forward(input)) }; // as `call`, whose arguments no class can tell of its own kind
  }
}
