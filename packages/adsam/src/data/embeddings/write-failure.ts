import { Problem } from "@adsam/torch/problem";
import { writeReason } from "../write-reason.js";

/** How one goes on without a store that cannot be used. */
export const otherStore =
  "name another folder (--store of adsam embed; data.embeddings in training, where null does without)";

/** A failed write into a store as a `Problem`; what is not the file system's doing is returned as it is. */
export function cannotWriteStore(folder: string, error: unknown): unknown {
  const found = writeReason(error);
  if (found === undefined) return error;
  const todo = `What was stored before is whole; mend that and run again, or ${otherStore}.`;
  return new Problem({ what: `embedding store "${folder}" cannot be written`, found, todo }, { cause: error });
}
