import { closeSync, fstatSync, ftruncateSync, openSync, renameSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "../data/make-folder.js";
import { writeReason } from "../data/write-reason.js";

/**
 * Appends all of `bytes` to the file, or nothing: where the disk is full, what was written of them is taken back,
 * so that a log never ends in half a row. Makes the folder.
 * @throws Problem naming the file and what the system said
 */
export function appendWhole(path: string, bytes: Uint8Array): void {
  try {
    makeFolder(dirname(path));
    const file = openSync(path, "a");
    try {
      const before = fstatSync(file).size;
      try {
        for (let done = 0; done < bytes.length; ) done += writeSync(file, bytes, done);
      } catch (error) {
        try {
          ftruncateSync(file, before);
        } catch {} // not a plain file; the first failure is the one to tell
        throw error;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw cannotWrite(path, error);
  }
}

/** Puts a text in the place of a file: at every moment the old one stands there or the new one, whole. */
export function replaceWhole(path: string, text: string): void {
  const half = `${path}.partial`;
  try {
    writeFileSync(half, text);
    renameSync(half, path);
  } catch (error) {
    rmSync(half, { force: true });
    throw cannotWrite(path, error);
  }
}

/** A failed write as a `Problem`; what is not the file system's doing is returned as it is. */
export function cannotWrite(path: string, error: unknown): unknown {
  const reason = writeReason(error);
  if (reason === undefined) return error;
  const todo = "What was written before is whole; mend that, or choose another folder with --out.";
  return new Problem({ what: `${path} cannot be written`, found: reason, todo }, { cause: error });
}
