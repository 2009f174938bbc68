import { scope, type Tensor } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import { freeBytes } from "../data/embeddings/disk-space.js";
import { storeBytes } from "../data/embeddings/record.js";
import { EmbeddingStore } from "../data/embeddings/store.js";
import { type BatchEmbeddings, batchEmbeddings } from "../embed/batch-embeddings.js";
import { describeEmbeddings } from "../embed/describe.js";
import { Embedder } from "../embed/embedder.js";
import { hashEncoder } from "../embed/encoder-hash.js";
import { embeddingsRoot, openEmbeddings } from "../embed/open-embeddings.js";
import { whyNotStored } from "../embed/usable.js";
import type { ImageEncoder } from "../models/encoders.js";
import type { Segmenter } from "../models/segmenter.js";
import type { Compute } from "./device.js";
import type { TrainEventStream } from "./events.js";
import type { Recipe } from "./recipe-schema.js";

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

function openStore({ recipe, compute, network }: StoredEmbeddingsOptions): OpenStore {
  const { model, input, data, run } = recipe;
  const root = data.embeddings === "auto" || data.embeddings === null ? embeddingsRoot() : data.embeddings;
  const dtype = data.embeddingDtype;
  const size = { height: input.height, width: input.width };
  const { samEncoder } = network;
  if (!samEncoder) {
    const embeddings = openEmbeddings({
      encoder: model.encoder,
      weights: model.encoderWeights,
      seed: run.seed,
      input: size,
      compute,
      dtype,
      root,
    });
    const { source, store } = embeddings;
    return { store, encoder: () => source.encoder(), close: () => embeddings[Symbol.dispose]() };
  }
  const described = { config: samEncoder.config, weights: hashEncoder(samEncoder), precision: compute.precision };
  const store = EmbeddingStore.open({ root, description: describeEmbeddings({ ...described, input: size, dtype }) });
  return { store, encoder: () => samEncoder.eval(), close: () => store.close() }; // the network's `train` reaches it, too
}
