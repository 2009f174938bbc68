import { scope, type Tensor } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Batch } from "../data/batch.js";
import { freeBytes } from "../data/embeddings/disk-space.js";
import { storeBytes } from "../data/embeddings/record.js";
import type { EmbeddingStore } from "../data/embeddings/store.js";
import { type BatchEmbeddings, batchEmbeddings } from "../embed/batch-embeddings.js";
import { Embedder } from "../embed/embedder.js";
import { EncoderSource } from "../embed/encoder-source.js";
import { openEmbeddings, openStoreOf } from "../embed/open-embeddings.js";
import type { ImageEncoder } from "../models/encoders.js";
import type { Segmenter } from "../models/segmenter.js";
import type { TrainEventStream } from "./events.js";
import type { Recipe } from "./recipe-schema.js";
import { whyNotStored } from "./why-not-stored.js";

/** Whether a run takes its embeddings from a store, which it fills as it goes. */
export function usesStore(recipe: Recipe): boolean {
  return recipe.data.embeddings !== null && whyNotStored(recipe) === undefined;
}

/**
 * Whether a run needs no encoder in its network: what it needs of it comes from a store, and its weights, from their own file, are loaded
 * only where an embedding is missing.
 */
export function leavesEncoderOut(recipe: Recipe): boolean {
  return usesStore(recipe) && recipe.model.encoderWeights !== null;
}

export interface StoredEmbeddingsOptions {
  readonly recipe: Recipe;
  readonly compute: Compute;
  /** Its encoder has the weights of the run, where it has one. */
  readonly network: Segmenter;
  readonly events: TrainEventStream;
  /** Pictures that are trained on, and validated on. */
  readonly pictures: { readonly train: number; readonly val: number };
}

/** The frozen encoder of a training run: its embeddings, each computed once for all runs. */
export class StoredEmbeddings implements BatchEmbeddings, Disposable {
  readonly #embeddings: BatchEmbeddings;
  readonly #close: () => void;

  private constructor(embeddings: BatchEmbeddings, close: () => void) {
    this.#embeddings = embeddings;
    this.#close = close;
  }

  /**
   * Tells `events` how large the store may become. Where its disk does not hold that, what is missing is computed and not kept.
   * @returns undefined for a run that does not use a store
   * @throws Problem for a store or a checkpoint that cannot be used
   */
  static open(options: StoredEmbeddingsOptions): StoredEmbeddings | undefined {
    const { recipe, compute, events } = options;
    if (!usesStore(recipe)) return undefined;
    const { store, encoder, close } = openStore(options);
    const { train, val } = options.pictures;
    const wanted = train * (recipe.augment.mirror > 0 ? 2 : 1) + val;
    const { storage } = store.description;
    const [bytes, free] = [storeBytes(storage, wanted), freeBytes(store.folder)];
    const fits = free === undefined || bytes - store.bytes <= free;
    events.emit("embeddingsOpened", {
      folder: store.folder,
      dtype: storage.dtype,
      stored: store.size,
      wanted,
      bytes,
      freeBytes: free ?? null,
      fits,
    });
    const embedder = new Embedder({
      store,
      encoder,
      compute,
      filling: fits,
      onUnstored: ({ message }) =>
        events.emit("warning", { message: `embeddings are not stored any more: ${message}` }),
    });
    return new StoredEmbeddings(batchEmbeddings(embedder), close);
  }

  of(batch: Batch): Tensor {
    return scope(() => this.#embeddings.of(batch));
  }

  [Symbol.dispose](): void {
    this.#close();
  }
}

interface OpenStore {
  readonly store: EmbeddingStore;
  readonly encoder: () => ImageEncoder;
  readonly close: () => void;
}

function openStore({ recipe, compute, network: { samEncoder } }: StoredEmbeddingsOptions): OpenStore {
  const { model, input, data, run } = recipe;
  const root = data.embeddings === "auto" || data.embeddings === null ? undefined : data.embeddings;
  const size = { height: input.height, width: input.width };
  const choice = { input: size, compute, dtype: data.embeddingDtype, root };
  if (samEncoder) {
    const source = EncoderSource.of(samEncoder);
    const store = openStoreOf(source, choice);
    return { store, encoder: () => source.encoder(), close: () => store.close() };
  }
  const { encoder, encoderWeights: weights } = model;
  const embeddings = openEmbeddings({ encoder, weights, seed: run.seed, ...choice });
  const { source, store } = embeddings;
  return { store, encoder: () => source.encoder(), close: () => embeddings[Symbol.dispose]() };
}
