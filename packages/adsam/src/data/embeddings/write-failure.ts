import { Problem } from "@adsam/torch/problem";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota used up",
  EFBIG: "the largest file size allowed here reached",
  EROFS: "a read-only disk",
  EACCES: "no permission to write",
  EPERM: "no permission to write",
  ENOTDIR: "a file where a folder should be",
  EEXIST: "a file where a folder should be",
};

/** A failed write into a store as a `Problem`; what is not the file system's doing is returned as it is. */
export function cannotWriteStore(folder: string, error: unknown): unknown {
  const found = reasons[(error as NodeJS.ErrnoException).code ?? ""];
  if (found === undefined) return error;
  const todo = "What was stored before is whole; mend that and run again, or choose another folder with --store.";
  return new Problem({ what: `embedding store "${folder}" cannot be written`, found, todo }, { cause: error });
}
