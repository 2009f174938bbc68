import type { GraphedForward } from "@adsam/kernels";
import { send, Tensor } from "@adsam/torch";
import { type Compute, withPrecision } from "../compute.js";
import type { Batch } from "../data/batch.js";
import type { BatchEmbeddings } from "../embed/batch-embeddings.js";
import type { Segmenter, SegmenterInput, TrainingLogits } from "../models/segmenter.js";

/** What a network is called with beside its batch, in training as in evaluation. */
export interface CallOptions {
  readonly compute: Compute;
  /** Stand in for the network's encoder. */
  readonly embeddings?: BatchEmbeddings | undefined;
  /** The network's forward of pictures alone, where it has been recorded. */
  readonly forward?: GraphedForward | undefined;
}

/** A batch through a network: → logits [B, C, H, W] on its device. */
export function batchLogits(network: Segmenter, batch: Batch, options: CallOptions): Tensor {
  const { compute, forward } = options;
  const input = batchInput(batch, options);
  if (forward && !input.samEmbedding) return withPrecision(compute, () => forward.call(input.image));
  return withPrecision(compute, () => network.call(input));
}

/** A batch through a network in training: with the logits of its auxiliary head. */
export function batchTrainingLogits(network: Segmenter, batch: Batch, options: CallOptions): TrainingLogits {
  const input = batchInput(batch, options);
  return withPrecision(options.compute, () => network.trainingLogits(input));
}

function batchInput(batch: Batch, { compute, embeddings }: CallOptions): SegmenterInput {
  const { height, width } = batch.size;
  const image = send(Tensor.share(batch.image, [batch.ids.length, 3, height, width]), compute.device);
  const samEmbedding = embeddings?.of(batch);
  return { image, ...(samEmbedding && { samEmbedding }) };
}
