import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { Problem, scope } from "@adsam/torch";
import { type Claim, lapsesAfterMs } from "../data/embeddings/claims.js";
import type { EmbeddingId } from "../data/embeddings/record.js";
import type { FileProblem } from "../data/inspect-sample.js";
import { InlinePool, type Pool, type Task, ThreadPool } from "../data/worker-pool.js";
import { decodeEmbedding, encodeEmbedding, relativeError } from "./codec.js";
import type { EmbedOptions } from "./embed-dataset.js";
import { encodeAlone } from "./encode.js";
import { type PreparedFile, type PrepareJob, prepareHandler } from "./prepare.js";
import type { SurveyedPicture } from "./survey.js";

/** A picture of this process, claimed, on its way through a thread. */
interface Piece {
  readonly at: SurveyedPicture;
  readonly claim: Claim | undefined;
  readonly mirrored: readonly boolean[];
  readonly task: Task<PreparedFile>;
}

/** Milliseconds between looks at what other processes are computing. */
const patience = 100;

/** The pictures of a data set on their way into a store, those that another process is at left to it. */
export class EmbedRun {
  /** One for each embedding computed. */
  readonly errors: number[] = [];
  readonly failed: FileProblem[];
  readonly #pool: Pool<PrepareJob, PreparedFile>;
  readonly #ahead: Piece[] = [];
  #done = 0;
  #total = 0;

  constructor(
    private readonly options: EmbedOptions,
    private readonly mirrored: readonly boolean[],
    failed: readonly FileProblem[],
  ) {
    const { workers } = options;
    this.failed = [...failed];
    this.#pool =
      workers === 0
        ? new InlinePool(prepareHandler)
        : new ThreadPool(new URL("./prepare-worker.js", import.meta.url), {}, workers);
  }

  countStored(pictures: readonly SurveyedPicture[]): number {
    return pictures.reduce((sum, { picture }) => sum + this.mirrored.length - this.#missing(picture).length, 0);
  }

  async finish(pictures: readonly SurveyedPicture[]): Promise<void> {
    const { signal, store } = this.options;
    let todo = pictures.filter(({ picture }) => this.#missing(picture).length > 0);
    this.#total = todo.length;
    let moved = performance.now();
    try {
      while (todo.length > 0 && !signal?.aborted) {
        const before = this.#done;
        const theirs = await this.#pass(todo, performance.now() - moved < lapsesAfterMs);
        if (this.#done > before) moved = performance.now();
        else if (theirs.length > 0) await sleep(patience, undefined, signal && { signal }).catch(() => {});
        todo = theirs;
        store.refresh();
      }
    } finally {
      for (const { task, claim } of this.#ahead) {
        task.cancel();
        claim?.release();
      }
      await this.#pool.close();
    }
  }

  /**
   * Goes through the pictures once.
   * @param patient whether those that another process has claimed are left to it
   * @returns those that were
   */
  async #pass(todo: readonly SurveyedPicture[], patient: boolean): Promise<SurveyedPicture[]> {
    const { workers, signal } = this.options;
    const theirs: SurveyedPicture[] = [];
    for (let next = 0; ; ) {
      for (; next < todo.length && this.#ahead.length <= 2 * workers && !signal?.aborted; next++)
        if (!this.#begin(todo[next]!, patient)) theirs.push(todo[next]!);
      const piece = this.#ahead[0];
      if (!piece || signal?.aborted) return theirs;
      await this.#complete(piece);
      this.#ahead.shift();
      this.options.onProgress?.("embedding", this.#done, this.#total);
      await turn(); // prepared pictures may come without pause; Ctrl-C and the freeing of memory need one
    }
  }

  #missing(picture: string): boolean[] {
    return this.mirrored.filter((mirrored) => !this.options.store.has({ picture, mirrored }));
  }

  /**
   * Claims a picture and has it prepared, or passes over it where it is stored by now.
   * @returns false where another process has claimed it
   */
  #begin(at: SurveyedPicture, patient: boolean): boolean {
    const { store } = this.options;
    const claim = this.#missing(at.picture).length > 0 ? store.claims.take(at.picture) : undefined;
    if (claim) store.refresh(); // another process may have stored it before it let go
    const mirrored = this.#missing(at.picture);
    if (mirrored.length === 0) {
      claim?.release();
      this.#done++;
      return true;
    }
    if (!claim && patient) return false;
    this.#ahead.push({ at, claim, mirrored, task: this.#pool.run({ file: at.file, input: this.#input, mirrored }) });
    return true;
  }

  get #input() {
    const { height, width } = this.options.store.description.preprocessing;
    return { height, width };
  }

  async #complete({ at, claim, mirrored, task }: Piece): Promise<void> {
    try {
      const prepared = await this.#prepared(at, task);
      for (const [place, image] of prepared?.images.entries() ?? [])
        this.#embed({ picture: prepared!.picture, mirrored: mirrored[place]! }, image);
    } finally {
      claim?.release();
    }
    this.#done++;
  }

  /** Undefined for a file that is no picture, which is then listed. */
  async #prepared({ file }: SurveyedPicture, task: Task<PreparedFile>): Promise<PreparedFile | undefined> {
    try {
      return await task.result;
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      this.failed.push({ file, message: error.message });
      return undefined;
    }
  }

  #embed(id: EmbeddingId, image: Float32Array): void {
    const { store, encoder, compute } = this.options;
    const { storage } = store.description;
    if (store.has(id)) return; // the file was changed since, to a picture that is there
    const network = encoder();
    scope(() => {
      const computed = encodeAlone(network, image, this.#input, compute);
      const payload = encodeEmbedding(computed, storage);
      store.write(id, payload);
      this.errors.push(relativeError(decodeEmbedding(payload, storage), computed));
    });
  }
}
