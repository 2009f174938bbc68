/** The loader's thread: makes whole batches. It imports what reads and transforms pictures, and no libtorch. */
import { workerData } from "node:worker_threads";
import sharp from "sharp";
import { type Batch, type BatchPlan, batchBuffers, makeBatch } from "./batch.js";
import { zoomed } from "./transforms/zoom.js";
import { type Handler, serveJobs } from "./worker-pool.js";

export interface BatchJob {
  readonly epoch: number;
  readonly indices: readonly number[];
  /** Factor on the sizes of the plan's recipe; 1 where it is left out. */
  readonly zoom?: number;
  /** A batch's `image` to be used again. */
  readonly spare?: Float32Array;
}

/** Answers {@link BatchJob}s by a plan; used by the threads, and by a loader without threads. */
export function batchHandler(plan: BatchPlan): Handler<BatchJob, Batch> {
  return async ({ epoch, indices, zoom = 1, spare }) => {
    const result = await makeBatch({ ...plan, recipe: zoomed(plan.recipe, zoom) }, epoch, indices, spare);
    return { result, transfer: batchBuffers(result) };
  };
}

/** `workerData` is a plan only in threads that the loader has started. */
const plan = (workerData as { readonly batchPlan?: BatchPlan } | null)?.batchPlan;
if (plan) {
  // libvips' settings are the process's: no picture is read twice, and each thread here is a core's worth.
  sharp.cache(false);
  sharp.concurrency(1);
  serveJobs(batchHandler(plan));
}
