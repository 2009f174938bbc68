import { setTimeout as sleep, setImmediate as turn } from "node:timers/promises";
import { Problem, scope } from "@adsam/torch";
import type { Claim } from "../data/embeddings/claims.js";
import type { EmbeddingId } from "../data/embeddings/record.js";
import type { FileProblem } from "../data/inspect-sample.js";
import { InlinePool, type Pool, type Task, ThreadPool } from "../data/worker-pool.js";
import { decodeEmbedding, encodeEmbedding, relativeError } from "./codec.js";
import type { EmbedOptions } from "./embed-dataset.js";
import { encodeAlone } from "./encode.js";
import { type PreparedFile, type PrepareJob, prepareHandler } from "./prepare.js";
import type { SurveyedPicture } from "./survey.js";

/** A picture that this process has claimed, on its way through a thread. */
interface Piece {
  readonly at: SurveyedPicture;
  readonly claim: Claim;
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
  #done = 0;

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
    const { workers, signal, store } = this.options;
    const ahead: Piece[] = [];
    let todo = pictures.filter(({ picture }) => this.#missing(picture).length > 0);
    const total = todo.length;
    try {
      while (todo.length > 0 && !signal?.aborted) {
        const theirs: SurveyedPicture[] = []; // under way in another process
        const before = this.#done;
        let next = 0;
        for (;;) {
          for (; next < todo.length && ahead.length <= 2 * workers && !signal?.aborted; next++)
            this.#begin(todo[next]!, ahead, theirs);
          const piece = ahead[0];
          if (!piece || signal?.aborted) break;
          await this.#complete(piece);
          ahead.shift();
          this.options.onProgress?.("embedding", this.#done, total);
          await turn(); // prepared pictures may come without pause; Ctrl-C and the freeing of memory need one
        }
        todo = theirs;
        if (this.#done === before && todo.length > 0)
          await sleep(patience, undefined, signal && { signal }).catch(() => {});
        store.refresh();
      }
    } finally {
      for (const { task, claim } of ahead) {
        task.cancel();
        claim.release();
      }
      await this.#pool.close();
    }
  }

  #missing(picture: string): boolean[] {
    return this.mirrored.filter((mirrored) => !this.options.store.has({ picture, mirrored }));
  }

  /** Claims a picture and has it prepared; passes over what is stored by now, and sets aside what another process has claimed. */
  #begin(at: SurveyedPicture, ahead: Piece[], theirs: SurveyedPicture[]): void {
    const { store } = this.options;
    const claim = this.#missing(at.picture).length > 0 ? store.claims.take(at.picture) : undefined;
    if (claim) store.refresh(); // another process may have stored it before it let go
    const mirrored = this.#missing(at.picture);
    if (mirrored.length === 0) {
      claim?.release();
      this.#done++;
    } else if (!claim) theirs.push(at);
    else {
      const job = { file: at.file, input: this.#input, mirrored };
      ahead.push({ at, claim, mirrored, task: this.#pool.run(job) });
    }
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
      claim.release();
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
