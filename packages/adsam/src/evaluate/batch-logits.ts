import { Tensor } from "@adsam/torch";
import { type Compute, withPrecision } from "../compute.js";
import type { Batch } from "../data/batch.js";
import type { BatchEmbeddings } from "../embed/batch-embeddings.js";
import type { Segmenter } from "../models/segmenter.js";

/** What a network is called with beside its batch, in training as in evaluation. */
export interface CallOptions {
  readonly compute: Compute;
  /** Stand in for the network's encoder. */
  readonly embeddings?: BatchEmbeddings | undefined;
}

/** A batch through a network: → logits [B, C, H, W] on its device. */
export function batchLogits(network: Segmenter, batch: Batch, { compute, embeddings }: CallOptions): Tensor {
  const { height, width } = batch.size;
  const image = Tensor.share(batch.image, [batch.ids.length, 3, height, width]).to({ device: compute.device });
  const samEmbedding = embeddings?.of(batch);
  return withPrecision(compute, () => network.call({ image, ...(samEmbedding && { samEmbedding }) }));
}
