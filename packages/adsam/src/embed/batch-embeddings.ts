import type { Tensor } from "@adsam/torch";
import type { Batch } from "../data/batch.js";

/** What stands in for a frozen encoder: the embeddings of a batch's pictures. */
export interface BatchEmbeddings {
  /** @param batch with the hashes of its pictures → [B, C, h, w], float32, on the device */
  of(batch: Batch): Tensor;
}
