import { isDeepStrictEqual } from "node:util";
import type { Compute } from "../compute.js";
import type { EmbeddingDescription, StorageDtype } from "../data/embeddings/description.js";
import type { Size } from "../data/picture.js";
import { imageNet } from "../data/transforms/normalise.js";
import { type EncoderConfig, encoders } from "../models/encoders.js";

export interface Described {
  readonly config: EncoderConfig;
  /** Of `hashEncoder`. */
  readonly weights: string;
  /** The encoder's input, in pixels. */
  readonly input: Size;
  readonly precision: Compute["precision"];
  readonly dtype: StorageDtype;
}

/** What embeddings of this encoder, input and dtype are; the store's key follows from it. */
export function describeEmbeddings({ config, weights, input, precision, dtype }: Described): EmbeddingDescription {
  const { patchSize, outChans } = config;
  const named = Object.entries(encoders).find(([, known]) => isDeepStrictEqual(known, config));
  return {
    encoder: { name: named?.[0] ?? "custom", weights },
    preprocessing: {
      height: input.height,
      width: input.width,
      resize: "pillow-bilinear",
      normalisation: imageNet,
      patchSize,
      precision,
    },
    storage: { dtype, shape: [outChans, Math.floor(input.height / patchSize), Math.floor(input.width / patchSize)] },
  };
}
