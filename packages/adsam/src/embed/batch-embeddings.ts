import type { Tensor } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import type { Embedder } from "./embedder.js";

/** What stands in for a frozen encoder: the embeddings of a batch's pictures. */
export interface BatchEmbeddings {
  /** @param batch with the hashes of its pictures → [B, C, h, w], float32, on the device */
  of(batch: Batch): Tensor;
}

/** The embeddings of a batch by an embedder, for loaders that carry hashes along. */
export function batchEmbeddings(embedder: Embedder): BatchEmbeddings {
  return {
    of({ image, pictures, mirrored, ids }) {
      if (!pictures) throw new Error("a batch without the hashes of its pictures: its loader must be told");
      return embedder.embeddings(
        ids.map((_, place) => ({ picture: pictures[place]!, mirrored: mirrored[place]! })),
        image,
      );
    },
  };
}
