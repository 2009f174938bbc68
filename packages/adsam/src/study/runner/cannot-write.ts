/** What the file system refuses a study, in words. */
import { rmSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { writeReason } from "../../data/write-reason.js";

/** A failed write into a study's folder as a `Problem`; what is not the file system's doing is returned as it is. */
export function cannotWriteStudy(root: string, error: unknown): unknown {
  const found = writeReason(error);
  if (found === undefined) return error;
  const todo = "What was written before is whole; mend that, or name another folder with --out.";
  return new Problem({ what: `study folder "${root}" cannot be written`, found, todo }, { cause: error });
}

/**
 * Deletes a file, or a folder with all in it, below a study's folder; what is not there is as good.
 * @throws Problem where the file system refuses
 */
export function deleteWhole(root: string, there: string): void {
  try {
    rmSync(there, { recursive: true, force: true });
  } catch (error) {
    throw cannotWriteStudy(root, error);
  }
}
