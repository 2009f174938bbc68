/** Batches of a data set: read and transformed ahead of time by worker threads, in an order that the seed and the epoch alone decide. */
import { availableParallelism } from "node:os";
import { Problem } from "@adsam/torch/problem";
import type { Batch, BatchPlan } from "./batch.js";
import { type Dataset, requireLabels } from "./dataset.js";
import { type BatchJob, batchHandler } from "./loader-worker.js";
import { Random } from "./random.js";
import type { Normalisation } from "./transforms/normalise.js";
import { checkRecipe, type TransformRecipe } from "./transforms/recipe.js";
import { InlinePool, type Pool, type Task, ThreadPool } from "./worker-pool.js";

export interface LoaderOptions {
  readonly dataset: Dataset;
  readonly recipe: TransformRecipe;
  readonly batchSize: number;
  /** Training shuffles and may draw; evaluation keeps the data set's order and yields `Batch.native` too. */
  readonly mode: "training" | "evaluation";
  /** The order and every random transform come from it. */
  readonly seed: number;
  /** Leaves out the last batch where it would be smaller. Off by default. */
  readonly dropLast?: boolean;
  /** Threads; 0 reads on the caller's. By default the cores less one, 1 to 4. */
  readonly workers?: number;
  /** Batches made ahead at most, and so held in memory. By default 2 a worker. */
  readonly prefetch?: number;
  /** Whether batches carry the hashes of their pictures' files. Off by default. */
  readonly hashed?: boolean;
  /** ImageNet's mean and deviation by default. */
  readonly normalisation?: Normalisation;
}

export interface EpochOptions {
  /** Batches already done: what follows is what would have followed them. */
  readonly skip?: number;
  /**
   * Whether a batch's `image` lives only until the next batch is asked for: its memory (12 MB a picture of 1024×1024) then goes back to the
   * threads, instead of to the garbage collector and from it to the system. Off by default.
   */
  readonly reuse?: boolean;
  /** Factor on the recipe's sizes in this epoch, see `zoomed`. */
  readonly zoom?: number;
}

export const defaultWorkers = (): number => Math.max(1, Math.min(4, availableParallelism() - 1));

export class DataLoader {
  readonly dataset: Dataset;
  readonly batchSize: number;
  /** Batches an epoch. */
  readonly numBatches: number;
  readonly #shuffled: boolean;
  readonly #seed: number;
  readonly #prefetch: number;
  readonly #pool: Pool<BatchJob, Batch>;

  /** @throws Problem for options that cannot be, and for a data set with pictures that have no label. */
  constructor(options: LoaderOptions) {
    const {
      dataset,
      recipe,
      batchSize,
      mode,
      seed,
      dropLast = false,
      workers = defaultWorkers(),
      normalisation,
    } = options;
    const { prefetch = Math.max(1, 2 * workers) } = options;
    checkRecipe(recipe);
    checkCount("batch size", batchSize, 1);
    checkCount("workers", workers, 0);
    checkCount("prefetch", prefetch, 1);
    requireLabels(dataset);
    const batches = dataset.samples.length / batchSize;
    this.numBatches = dropLast ? Math.floor(batches) : Math.ceil(batches);
    if (this.numBatches === 0) {
      const found = `${dataset.samples.length} samples`;
      throw new Problem({
        what: `${dataset.name}, split "${dataset.split}"`,
        found,
        expected: `${batchSize}, one batch`,
      });
    }
    this.dataset = dataset;
    this.batchSize = batchSize;
    this.#shuffled = mode === "training";
    this.#seed = seed;
    this.#prefetch = prefetch;
    const plan: BatchPlan = {
      dataset,
      recipe,
      seed,
      native: mode === "evaluation",
      hashed: options.hashed ?? false,
      ...(normalisation && { normalisation }),
    };
    this.#pool =
      workers === 0
        ? new InlinePool(batchHandler(plan))
        : new ThreadPool(new URL("./loader-worker.js", import.meta.url), { batchPlan: plan }, workers);
  }

  /** The places of an epoch's samples, in order. */
  order(epoch: number): number[] {
    const places = Array.from(this.dataset.samples, (_, i) => i);
    return this.#shuffled ? new Random("order", this.#seed, epoch).shuffle(places) : places;
  }

  /**
   * The batches of an epoch, the same whatever the number of threads. Leaving the loop early drops the batches made ahead.
   * @throws Problem for a bad file, when its batch is due and not before.
   */
  async *epoch(
    epoch: number,
    { skip = 0, reuse = false, zoom = 1 }: EpochOptions = {},
  ): AsyncGenerator<Batch, void, undefined> {
    checkCount("skip", skip, 0);
    const order = this.order(epoch);
    const ahead: Task<Batch>[] = [];
    let spare: Float32Array | undefined;
    let next = skip;
    try {
      for (;;) {
        for (; ahead.length < this.#prefetch && next < this.numBatches; next++) {
          const indices = order.slice(next * this.batchSize, (next + 1) * this.batchSize);
          const transfer = spare ? [spare.buffer as ArrayBuffer] : [];
          ahead.push(this.#pool.run({ epoch, indices, zoom, ...(spare && { spare }) }, transfer));
          spare = undefined;
        }
        const due = ahead[0];
        if (!due) return;
        const batch = await due.result;
        ahead.shift();
        yield batch;
        if (reuse) spare = batch.image;
      }
    } finally {
      for (const task of ahead) task.cancel();
    }
  }

  /** Ends the threads. Loops under way fail. */
  async close(): Promise<void> {
    await this.#pool.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

function checkCount(what: string, found: number, least: number): void {
  if (Number.isInteger(found) && found >= least) return;
  throw new Problem({ what: `loader ${what}`, found: `${found}`, expected: `an integer of ${least} or more` });
}
