/** Reading and writing whole files and folders, with errors that name the file. */
import { randomUUID } from "node:crypto";
import { readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "./make-folder.js";
import { writeReason } from "./write-reason.js";

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  EACCES: "no permission to read it",
  EISDIR: "a folder",
  ENOTDIR: "a file where a folder should be",
  EMFILE: "too many open files",
};

/** An operating system's error in words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return (code && reasons[code]) || message || String(error);
}

/**
 * The whole file.
 * @param what names the kind of file in the error: `picture`, `label`.
 * @throws Problem for a file that is missing, unreadable or empty.
 */
export async function readBytes(file: string, what: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    const todo = "Check the path and the data set's root folder.";
    throw new Problem({ what: `${what} "${file}"`, found: reasonOf(error), expected: "a readable file", todo });
  }
  if (bytes.length > 0) return bytes;
  const todo = "Copy it again from the data set's archive; an interrupted copy leaves such files.";
  throw new Problem({ what: `${what} "${file}"`, found: "an empty file (0 bytes)", expected: `a ${what}`, todo });
}

/** Writes beside the target and renames, so that a reader sees the old file or the new one, never a half. Makes the folder. */
export async function writeWhole(file: string, bytes: Uint8Array | string): Promise<void> {
  const half = `${file}.${randomUUID().slice(0, 8)}.part`;
  try {
    makeFolder(path.dirname(file));
    await writeFile(half, bytes);
    await rename(half, file);
  } catch (error) {
    await rm(half, { force: true });
    const todo = "Check the free space and the permissions of the folder.";
    throw new Problem(
      { what: `cannot write "${file}"`, found: writeReason(error) ?? reasonOf(error), todo },
      { cause: error },
    );
  }
}

export async function isFolder(folder: string): Promise<boolean> {
  return (await stat(folder).catch(() => undefined))?.isDirectory() ?? false;
}

export async function isFile(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined))?.isFile() ?? false;
}

/** Paths of the files under a folder, relative to it, `/` between the parts, in the order of their UTF-16 code units. Hidden ones are left out. */
export async function listFiles(folder: string): Promise<string[]> {
  const found: string[] = [];
  const walk = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(path.join(folder, prefix), { withFileTypes: true })) {
      if (entry.name.startsWith(".")) continue;
      const relative = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
      const directory = entry.isSymbolicLink() ? await isFolder(path.join(folder, relative)) : entry.isDirectory();
      if (directory) await walk(relative);
      else found.push(relative);
    }
  };
  try {
    await walk("");
  } catch (error) {
    throw new Problem({ what: `folder "${folder}"`, found: reasonOf(error), expected: "a readable folder" });
  }
  return found.sort();
}

/** The path without its extension. */
export const stem = (file: string): string => file.slice(0, file.length - path.extname(file).length);

/** Names of the folders (and files, if there are no folders) in a folder, for messages; empty where it is not there. */
export async function foldersIn(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true }).catch(() => [])).filter(
    (e) => !e.name.startsWith("."),
  );
  const folders = entries.filter((entry) => !entry.isFile());
  return (folders.length > 0 ? folders : entries).map((entry) => entry.name).sort();
}
