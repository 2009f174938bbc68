import type { SamEncoderConfig } from "../models/sam/config.js";

/** Everything that can be timed. Peers know the same names, as far as they have a counterpart (bench/peers/measure.py). */
export const workNames = [
  "ad-sam-forward",
  "ad-sam-step",
  "deform-conv",
  "sam-encoder",
  "hybrid-loss",
  "backbone",
  "pictures",
  "metric",
  "rates",
] as const;
export type WorkName = (typeof workNames)[number];

/** What one process is asked to build and to do; its last argument, as JSON. Heights come before widths, in pixels. */
export interface Order {
  readonly work: WorkName;
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly threads: number;
  readonly device: "cpu" | "cuda";
  /** bfloat16: mixed precision, as `--precision bfloat16` of the other commands. */
  readonly dtype: "float32" | "bfloat16";
  /** Of `deform-conv`: input and output channels. */
  readonly channels?: readonly [number, number];
  /** Of `deform-conv`: whether the backward follows. */
  readonly backward?: boolean;
  /** Of `sam-encoder`: a released one, `mobile-sam`, or `tiny`, which `--quick` takes. */
  readonly encoder?: string;
  /** Of `pictures`: the folder that holds them, laid out as Cityscapes. */
  readonly folder?: string;
  /** Of `pictures`: the size they are brought to, squared. */
  readonly resized?: number;
  /** Of ONNX Runtime's side: the network's file. */
  readonly model?: string;
}

/** The label that counts nowhere: the last of 20 drawn, as in the golden files. */
export const ignoredLabel = 19;

/** A ViT small enough for a look: windows of 4 over a grid of 10, as in the golden files. */
export const tinyEncoder: SamEncoderConfig = {
  imageSize: 160,
  patchSize: 16,
  embedDim: 64,
  depth: 4,
  numHeads: 4,
  mlpRatio: 4,
  windowSize: 4,
  globalAttnIndexes: [1, 3],
  outChans: 32,
};
