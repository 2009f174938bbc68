/** Tiny stores, and bytes that are told apart. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import path from "node:path";
import type { EmbeddingDescription, StorageDtype } from "../src/data/embeddings/description.js";
import { type EmbeddingId, payloadBytes } from "../src/data/embeddings/record.js";
import { EmbeddingStore, type StoreOptions } from "../src/data/embeddings/store.js";
import { imageNet } from "../src/data/transforms/normalise.js";
import { folderForTests } from "./train-fixtures.js";

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

const description = tinyDescription();

/** Stores of this file's tests, each under a root of its own. */
export function storesForTests(name: string) {
  const root = folderForTests(name);
  let folders = 0;
  const freshRoot = (): string => path.join(root, String(folders++));
  const openStore = (at: string, more: Partial<StoreOptions> = {}) =>
    EmbeddingStore.open({ root: at, description, ...more });

  /** A closed store of pictures 0 … count − 1, each with its mirror image. */
  function filled(at: string, count: number): EmbeddingStore {
    const store = openStore(at);
    for (let i = 0; i < count; i++)
      for (const mirrored of [false, true]) store.write(pictureId(i, mirrored), payloadOf(pictureId(i, mirrored)));
    store.close();
    return store;
  }

  return { freshRoot, openStore, filled };
}

/** How many of pictures 0 … count − 1 and their mirror images are there, each checked to be what was written. */
export function present(store: EmbeddingStore, count: number): number {
  let there = 0;
  for (let i = 0; i < count; i++)
    for (const mirrored of [false, true]) {
      const payload = store.read(pictureId(i, mirrored));
      if (payload) assert.deepEqual(payload, payloadOf(pictureId(i, mirrored)));
      if (payload) there++;
    }
  return there;
}
