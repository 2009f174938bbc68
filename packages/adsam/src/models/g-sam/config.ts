import type { EncoderSpec } from "../encoders.js";
import type { ResNetName } from "../resnet.js";

/** Generalized SAM's pictures are cut into patches this far apart, in pixels, whatever their size. */
export const patchStride = 8;

/** Tokens on a side of the map that global relative positions are made for: the authors divide any `encoder_input_size` into so many. */
export const trainedGrid = 32;

/** Which G-SAM: the authors' by default. */
export interface GSamConfig {
  readonly numClasses: number;
  /** The ViT of SAM whose shape it has, by name, by its sizes, or by its file; its patch and picture size do not matter here. */
  readonly encoder: EncoderSpec;
  /** The convolutional stem. */
  readonly resnet: ResNetName;
  /** Whether the stem's BatchNorm keeps its statistics in training; the authors train them. */
  readonly frozenBatchNorm: boolean;
  /** Whether all of the encoder learns, as it must from random weights; the authors keep SAM's and train what they add. */
  readonly encoderTrained: boolean;
}

/** G-SAM as its authors train and release it (`build_gsam_vit_b`). */
export const authorsConfig: GSamConfig = {
  numClasses: 19,
  encoder: "sam-vit-b",
  resnet: "resnet101",
  frozenBatchNorm: false,
  encoderTrained: false,
};
