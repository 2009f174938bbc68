import { mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those above it; one that is there already is as good. Unlike Node's `mkdir` with `recursive` it says what the system
 * says: that one tells of a read-only disk as of a missing folder, and never ends where no folder can be made below one that is there (`/proc`).
 * @throws the system's error
 */
export function makeFolder(folder: string): void {
  const failure = attempt(folder);
  if (failure === undefined) return;
  if (failure.code !== "ENOENT") throw failure;
  const above = path.dirname(folder);
  if (!isThere(above)) makeFolder(above);
  const again = attempt(folder); // the one above is there by now, by this thread or by another
  if (again !== undefined) throw again;
}

/** @returns undefined where the folder is there now */
function attempt(folder: string): NodeJS.ErrnoException | undefined {
  try {
    mkdirSync(folder);
    return undefined;
  } catch (error) {
    return isThere(folder) ? undefined : (error as NodeJS.ErrnoException);
  }
}

const isThere = (folder: string): boolean => {
  try {
    return statSync(folder).isDirectory();
  } catch {
    return false; // not there, or not to be seen
  }
};
