import { Problem, scope, stack, type Tensor } from "@adsam/torch";
import type { Compute } from "../compute.js";
import { type Claim, lapsesAfterMs } from "../data/embeddings/claims.js";
import type { EmbeddingId } from "../data/embeddings/record.js";
import type { EmbeddingStore } from "../data/embeddings/store.js";
import { pixels, type Size } from "../data/picture.js";
import type { ImageEncoder } from "../models/encoders.js";
import { decodeEmbedding, encodeEmbedding } from "./codec.js";
import { encodeAlone } from "./encode.js";

export interface EmbedderOptions {
  readonly store: EmbeddingStore;
  /** Called when the first embedding is missing: `() => source.encoder()`. */
  readonly encoder: () => ImageEncoder;
  readonly compute: Compute;
  /** Whether what is computed is stored. Default true. */
  readonly filling?: boolean;
  /** Told once, where the store turns out not to be writable (full, read-only): embeddings are computed and not kept from then on. */
  readonly onUnstored?: (problem: Problem) => void;
}

/** Milliseconds between looks at what another process is computing. */
const patience = 20;

/**
 * Embeddings for training: read where they are stored, else computed, stored, and then given as stored, so that a run has the same bits
 * whether the store was empty or full, and whatever ended it in between.
 */
export class Embedder {
  /** How many were read, and how many computed. */
  readonly counts = { read: 0, computed: 0 };
  readonly #options: EmbedderOptions;
  readonly #input: Size;
  readonly #scratch: Uint8Array;
  #filling: boolean;

  constructor(options: EmbedderOptions) {
    this.#options = options;
    this.#input = options.store.description.preprocessing;
    this.#scratch = new Uint8Array(options.store.payloadBytes);
    this.#filling = options.filling ?? true;
  }

  /**
   * @param images [B, 3, H, W] of the store's input size, normalised, mirrored where the id says so
   * @returns [B, C, h, w], float32, on the device
   */
  embeddings(ids: readonly EmbeddingId[], images: Float32Array): Tensor {
    const length = 3 * pixels(this.#input);
    return scope(() =>
      stack(ids.map((id, place) => this.embedding(id, images.subarray(place * length, (place + 1) * length)))),
    );
  }

  /**
   * @param image [3, H, W]; used only where the embedding is missing
   * @returns [C, h, w], float32, on the device
   * @throws Problem where the encoder cannot be loaded, or its output is not finite
   */
  embedding(id: EmbeddingId, image: Float32Array): Tensor {
    const { store } = this.#options;
    const there = this.#stored(id);
    if (there) return there;
    const claim = this.#filling ? this.#claim(id) : undefined;
    try {
      if (this.#filling) store.refresh(); // another process may have stored it before it let go
      return this.#stored(id) ?? this.#computed(id, image);
    } finally {
      claim?.release();
    }
  }

  #stored(id: EmbeddingId): Tensor | undefined {
    const { store, compute } = this.#options;
    const payload = store.read(id, this.#scratch);
    if (!payload) return undefined;
    this.counts.read++;
    return decodeEmbedding(payload, store.description.storage, compute);
  }

  /** Waits where another process is computing this picture, until it has let go of it, or ended, or is as good as dead. */
  #claim({ picture }: EmbeddingId): Claim | undefined {
    const { store } = this.#options;
    try {
      const latest = performance.now() + lapsesAfterMs;
      while (performance.now() < latest) {
        const claim = store.claims.take(picture);
        if (claim) return claim;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, patience);
      }
    } catch {} // no claims here: the write that follows will tell why
    return undefined;
  }

  #computed(id: EmbeddingId, image: Float32Array): Tensor {
    const { store, encoder, compute } = this.#options;
    const { storage } = store.description;
    return scope(() => {
      const payload = encodeEmbedding(encodeAlone(encoder(), image, this.#input, compute), storage);
      this.counts.computed++;
      if (this.#filling) this.#keep(id, payload);
      return decodeEmbedding(payload, storage, compute);
    });
  }

  #keep(id: EmbeddingId, payload: Uint8Array): void {
    try {
      this.#options.store.write(id, payload);
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.#filling = false;
      this.#options.onUnstored?.(error);
    }
  }
}
