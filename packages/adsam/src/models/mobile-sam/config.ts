import { Problem } from "@adsam/torch";

/** One number for each of the four stages. */
export type PerStage = readonly [number, number, number, number];

/** The shape of a TinyViT image encoder: one stage of convolutions, then three of attention within windows. */
export interface TinyVitConfig {
  /** Side of the square picture the network was trained on, in pixels. Nothing is made for this size: others are taken as they come. */
  readonly imageSize: number;
  /** Pixels to a side of one place of the embedding: 4 by the first convolutions, 2 by each of two merges. */
  readonly patchSize: 16;
  /** Channels of the stages. */
  readonly embedDims: PerStage;
  /** Blocks of the stages. */
  readonly depths: PerStage;
  /** Heads of attention; the first stage has none, and its number is not used. */
  readonly numHeads: PerStage;
  /** Side of an attention window, in tokens; the first stage has none, and its number is not used. */
  readonly windowSizes: PerStage;
  /** Hidden units of an MLP, over its channels. */
  readonly mlpRatio: number;
  /** Hidden channels of the first stage's blocks, over their own. */
  readonly mbconvExpandRatio: number;
  /** Side of the depthwise convolution between attention and MLP, odd. */
  readonly localConvSize: number;
  /** Channels of the embedding. */
  readonly outChans: number;
  /** Classes of the classifier that the pretraining left in the checkpoint; 0 leaves it out. The embedding does not pass it. */
  readonly numClasses: number;
}

/** MobileSAM as released (Zhang et al. 2023, arXiv 2306.14289; `mobile_sam.pt`): TinyViT-5M (Wu et al. 2022) under SAM's neck. */
export const mobileSamConfig: TinyVitConfig = {
  imageSize: 1024,
  patchSize: 16,
  embedDims: [64, 128, 160, 320],
  depths: [2, 2, 6, 2],
  numHeads: [2, 4, 5, 10],
  windowSizes: [7, 7, 14, 7],
  mlpRatio: 4,
  mbconvExpandRatio: 4,
  localConvSize: 3,
  outChans: 256,
  numClasses: 1000,
};

/** @throws Problem for sizes that no such network can have */
export function checkTinyVitConfig(config: TinyVitConfig): void {
  const what = "TinyViT's configuration";
  const { patchSize, embedDims, numHeads, windowSizes, localConvSize } = config;
  // The type says so too, but sizes may come from a file.
  if (patchSize !== 16)
    throw new Problem({ what, found: `patchSize: ${patchSize}`, expected: "16, which its strides multiply to" });
  if (embedDims[0] % 2 !== 0)
    throw new Problem({ what, found: `embedDims[0]: ${embedDims[0]}`, expected: "an even number: the stem has half" });
  if (localConvSize % 2 !== 1)
    throw new Problem({ what, found: `localConvSize: ${localConvSize}`, expected: "an odd number" });
  for (const stage of [1, 2, 3] as const) {
    const dim = embedDims[stage];
    const heads = numHeads[stage];
    if (!(heads > 0 && dim % heads === 0))
      throw new Problem({
        what,
        found: `${heads} heads for ${dim} channels (stage ${stage})`,
        expected: "a number of heads that divides the channels",
      });
    if (!(Number.isInteger(windowSizes[stage]) && windowSizes[stage] > 0))
      throw new Problem({
        what,
        found: `a window of ${windowSizes[stage]} tokens (stage ${stage})`,
        expected: "a whole number of tokens from 1",
      });
  }
}
