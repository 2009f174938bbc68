import { randomBytes } from "node:crypto";
import { closeSync, fsyncSync, openSync, realpathSync, renameSync, rmSync, statfsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Problem } from "../problem.js";
import { type ByteSink, FileSink } from "./byte-sink.js";

/**
 * Writes a file so that at every moment `path` is either the old file or the new one, whole: a temporary file in the same folder, flushed
 * to the disk, then renamed. On any error the temporary file is removed and the old file is untouched.
 * @param bytesNeeded what will be written, for the message when the disk is full
 */
export function writeAtomically(path: string, bytesNeeded: number, write: (sink: ByteSink) => void): void {
  const target = followLink(path);
  const folder = dirname(target);
  const temporary = join(folder, `.${basename(target)}.${process.pid}-${randomBytes(4).toString("hex")}.tmp`);
  try {
    const fd = openSync(temporary, "wx", modeOf(target));
    try {
      write(new FileSink(fd));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw explain(error, path, folder, bytesNeeded);
  }
  flushFolder(folder);
}

/** A symbolic link stays one: the file it points at is replaced. */
function followLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function modeOf(path: string): number {
  const stat = statSync(path, { throwIfNoEntry: false });
  return stat === undefined ? 0o666 : stat.mode & 0o777;
}

/** The rename itself lasts through a power cut only when the folder is on the disk. Some file systems cannot flush a folder. */
function flushFolder(folder: string): void {
  try {
    const fd = openSync(folder, "r");
    try {
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    if (!["EINVAL", "ENOTSUP", "EISDIR", "EPERM", "EACCES"].includes(code)) throw error;
  }
}

function explain(error: unknown, path: string, folder: string, bytesNeeded: number): unknown {
  if (error instanceof Problem) return error;
  const what = `writing "${path}"`;
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return new Problem(
        {
          what,
          found: `${freeBytes(folder)} bytes free on its disk`,
          expected: `${bytesNeeded} bytes`,
          todo: "Free some space or choose another disk; a file that was there before is unchanged.",
        },
        { cause: error },
      );
    case "ENOENT":
    case "ENOTDIR":
      return new Problem({ what, found: `no folder "${folder}"`, todo: "Make the folder first." }, { cause: error });
    case "EISDIR":
      return new Problem({ what, found: "a folder of that name", expected: "a file" }, { cause: error });
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return new Problem({ what, found: `no permission to write into "${folder}"` }, { cause: error });
    default:
      return error;
  }
}

function freeBytes(folder: string): string {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return String(bavail * bsize);
  } catch {
    return "too few";
  }
}
