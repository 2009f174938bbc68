import path from "node:path";
import { cacheFolder } from "../cache-folder.js";
import type { Compute } from "../compute.js";
import type { StorageDtype } from "../data/embeddings/description.js";
import { EmbeddingStore } from "../data/embeddings/store.js";
import type { Size } from "../data/picture.js";
import type { EncoderSpec } from "../models/encoders.js";
import { describeEmbeddings } from "./describe.js";
import { EncoderSource } from "./encoder-source.js";

export interface StoreChoice {
  /** The encoder's input, in pixels. */
  readonly input: Size;
  readonly compute: Compute;
  readonly dtype: StorageDtype;
  /** Folder of all stores. Default: `embeddings` in the cache folder. */
  readonly root?: string | undefined;
  readonly mode?: "read" | "write";
}

export interface EmbeddingsOptions extends StoreChoice {
  readonly encoder: EncoderSpec;
  /** A checkpoint; null: random weights that follow from the seed. */
  readonly weights: string | null;
  readonly seed: number;
}

/** An encoder that is loaded when it is needed, and the store of its embeddings. */
export interface Embeddings extends Disposable {
  readonly source: EncoderSource;
  readonly store: EmbeddingStore;
}

/**
 * Opens the store that belongs to an encoder, an input size and a dtype. The encoder is loaded only where the hash of its checkpoint is
 * not noted yet.
 * @throws Problem for a checkpoint or a store that cannot be used
 */
export function openEmbeddings(options: EmbeddingsOptions): Embeddings {
  const { encoder, weights, seed, compute } = options;
  const hashFolder = path.join(embeddingsRoot(options.root), "encoders");
  return withStore(EncoderSource.open({ encoder, weights, seed, device: compute.device, hashFolder }), options);
}

/**
 * A source with the store that belongs to it; both are let go of together.
 * @throws Problem as `openEmbeddings`; the source is let go of then
 */
export function withStore(source: EncoderSource, choice: StoreChoice): Embeddings {
  try {
    const store = openStoreOf(source, choice);
    const dispose = (): void => {
      source[Symbol.dispose]();
      store.close();
    };
    return { source, store, [Symbol.dispose]: dispose };
  } catch (error) {
    source[Symbol.dispose]();
    throw error;
  }
}

/** The store of an encoder's embeddings. @throws Problem as `openEmbeddings` */
export function openStoreOf(source: EncoderSource, choice: StoreChoice): EmbeddingStore {
  const { input, compute, dtype, mode = "write" } = choice;
  const { precision } = compute;
  const description = describeEmbeddings({ config: source.config, weights: source.hash(), input, precision, dtype });
  return EmbeddingStore.open({ root: embeddingsRoot(choice.root), description, mode });
}

/** Folder of all stores. */
const embeddingsRoot = (root?: string): string => (root === undefined ? cacheFolder("embeddings") : path.resolve(root));
