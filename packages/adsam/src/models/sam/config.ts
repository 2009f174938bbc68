/** The shape of a SAM image encoder (ViTDet: windowed attention with a few global blocks). */
export interface SamEncoderConfig {
  /** Side of the square picture the absolute positions were made for, in pixels. */
  readonly imageSize: number;
  readonly patchSize: number;
  readonly embedDim: number;
  readonly depth: number;
  readonly numHeads: number;
  readonly mlpRatio: number;
  /** Side of an attention window, in tokens. */
  readonly windowSize: number;
  /** Indices of the blocks that attend globally. */
  readonly globalAttnIndexes: readonly number[];
  /** Channels of the embedding. */
  readonly outChans: number;
}

const released = { imageSize: 1024, patchSize: 16, mlpRatio: 4, windowSize: 14, outChans: 256 } as const;

/** The released encoders of Segment Anything, and `nano` for demonstrations and tests (not pretrained by anyone). */
export const samEncoders = {
  "sam-vit-b": { ...released, embedDim: 768, depth: 12, numHeads: 12, globalAttnIndexes: [2, 5, 8, 11] },
  "sam-vit-l": { ...released, embedDim: 1024, depth: 24, numHeads: 16, globalAttnIndexes: [5, 11, 17, 23] },
  "sam-vit-h": { ...released, embedDim: 1280, depth: 32, numHeads: 16, globalAttnIndexes: [7, 15, 23, 31] },
  nano: {
    imageSize: 256,
    patchSize: 16,
    embedDim: 96,
    depth: 4,
    numHeads: 4,
    mlpRatio: 2,
    windowSize: 7,
    globalAttnIndexes: [1, 3],
    outChans: 64,
  },
} as const satisfies Record<string, SamEncoderConfig>;

export type SamEncoderName = keyof typeof samEncoders;
