const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "no space left on the disk",
  EDQUOT: "the disk quota used up",
  EFBIG: "the largest file size allowed here reached",
  EROFS: "a read-only disk",
  EACCES: "no permission to write",
  EPERM: "no permission to write",
  EISDIR: "a folder of that name",
  ENOENT: "no such folder, and none could be made",
  ENOTDIR: "a file where a folder should be",
  EEXIST: "a file where a folder should be",
};

/** Why a file or folder could not be written, in words; undefined for what is not the file system's doing. */
export function writeReason(error: unknown): string | undefined {
  return reasons[(error as NodeJS.ErrnoException).code ?? ""];
}
