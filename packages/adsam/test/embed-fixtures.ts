/** Tiny stores, and bytes that are told apart. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { EmbeddingDescription, StorageDtype } from "../src/data/embeddings/description.js";
import { type EmbeddingId, payloadBytes } from "../src/data/embeddings/record.js";
import type { EmbeddingStore } from "../src/data/embeddings/store.js";
import { imageNet } from "../src/data/transforms/normalise.js";

/** Embeddings of 5 channels at 2×3 cells; channels are not cells, height is not width. */
export function tinyDescription({
  dtype = "float16" as StorageDtype,
  weights = "a".repeat(64),
  width = 48,
} = {}): EmbeddingDescription {
  return {
    encoder: { name: "nano", weights },
    preprocessing: {
      height: 32,
      width,
      resize: "pillow-bilinear",
      normalisation: imageNet,
      patchSize: 16,
      precision: "float32",
    },
    storage: { dtype, shape: [5, 2, width / 16] },
  };
}

export const pictureId = (name: string | number, mirrored = false): EmbeddingId => ({
  picture: createHash("sha256").update(String(name)).digest("hex"),
  mirrored,
});

/** Bytes that follow from the id. */
export function payloadOf({ picture, mirrored }: EmbeddingId, description = tinyDescription()): Uint8Array {
  const seed = createHash("sha256").update(`${picture}${mirrored}`).digest();
  return Uint8Array.from({ length: payloadBytes(description.storage) }, (_, i) => seed[i % 32]! ^ i);
}

export const shardFiles = (store: EmbeddingStore, extension: ".data" | ".index"): string[] =>
  readdirSync(path.join(store.folder, "shards"))
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => path.join(store.folder, "shards", name));
