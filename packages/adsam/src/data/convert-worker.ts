/** The thread of `convertFolder`. */
import { workerData } from "node:worker_threads";
import { Problem } from "@adsam/torch/problem";
import { type Conversion, convertLabel } from "./convert-label.js";
import { type Handler, serveJobs } from "./worker-pool.js";

export interface ConvertJob {
  readonly source: string;
  readonly target: string;
}

/** Answers with what is wrong with the file, or `null`. */
export function convertHandler(conversion: Conversion): Handler<ConvertJob, string | null> {
  return async ({ source, target }) => {
    try {
      await convertLabel(source, target, conversion);
      return { result: null };
    } catch (error) {
      if (error instanceof Problem) return { result: error.message };
      throw error;
    }
  };
}

const conversion = (workerData as { readonly conversion?: Conversion } | null)?.conversion;
if (conversion) serveJobs(convertHandler(conversion));
