/** The thread of `inspectDataset`. */
import { workerData } from "node:worker_threads";
import type { Dataset } from "./dataset.js";
import { inspectSample, type SampleInspection } from "./inspect-sample.js";
import { type Handler, serveJobs } from "./worker-pool.js";

export interface InspectJob {
  /** Place of the sample. */
  readonly index: number;
}

export function inspectHandler(dataset: Dataset): Handler<InspectJob, SampleInspection> {
  return async ({ index }) => ({ result: await inspectSample(dataset, index) });
}

const dataset = (workerData as { readonly inspected?: Dataset } | null)?.inspected;
if (dataset) serveJobs(inspectHandler(dataset));
