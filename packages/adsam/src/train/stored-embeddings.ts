import type { Tensor } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Batch } from "../data/batch.js";
import { freeBytes } from "../data/embeddings/disk-space.js";
import { storeBytes } from "../data/embeddings/record.js";
import type { BatchEmbeddings } from "../embed/batch-embeddings.js";
import { Embedder } from "../embed/embedder.js";
import { EncoderSource } from "../embed/encoder-source.js";
import { type Embeddings, openEmbeddings, withStore } from "../embed/open-embeddings.js";
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
  private constructor(
    private readonly embeddings: Embeddings,
    private readonly embedder: Embedder,
  ) {}

  /**
   * Tells `events` how large the store may become. Where its disk does not hold that, what is missing is computed and not kept.
   * @returns undefined for a run that does not use a store
   * @throws Problem for a store or a checkpoint that cannot be used
   */
  static open(options: StoredEmbeddingsOptions): StoredEmbeddings | undefined {
    const { recipe, compute, events } = options;
    if (!usesStore(recipe)) return undefined;
    const embeddings = openedFor(options);
    const { source, store } = embeddings;
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
      encoder: () => source.encoder(),
      compute,
      filling: fits,
      onUnstored: ({ message }) =>
        events.emit("warning", { message: `embeddings are not stored any more: ${message}` }),
    });
    return new StoredEmbeddings(embeddings, embedder);
  }

  of({ image, pictures, mirrored, ids }: Batch): Tensor {
    if (!pictures) throw new Error("a batch without the hashes of its pictures: its loader must be told");
    return this.embedder.embeddings(
      ids.map((_, place) => ({ picture: pictures[place]!, mirrored: mirrored[place]! })),
      image,
    );
  }

  [Symbol.dispose](): void {
    this.embeddings[Symbol.dispose]();
  }
}

/** The network's own encoder with its store, or, where it has none, the one whose file the recipe names. */
function openedFor({ recipe, compute, network: { samEncoder } }: StoredEmbeddingsOptions): Embeddings {
  const { model, input, data, run } = recipe;
  const root = data.embeddings === "auto" || data.embeddings === null ? undefined : data.embeddings;
  const size = { height: input.height, width: input.width };
  const choice = { input: size, compute, dtype: data.embeddingDtype, root };
  if (samEncoder) return withStore(EncoderSource.of(samEncoder), choice);
  return openEmbeddings({ encoder: model.encoder, weights: model.encoderWeights, seed: run.seed, ...choice });
}
