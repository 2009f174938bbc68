import { mkdirSync, statSync } from "node:fs";
import path from "node:path";

/**
 * Makes a folder and those above it; one that is there already is as good. Unlike Node's `mkdir` with `recursive` it says what the system
 * says: that one tells of a read-only disk as of a missing folder, and never ends where no folder can be made below one that is there (`/proc`).
 * @throws the system's error
 */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    if (isThere(folder)) return;
    const above = path.dirname(folder);
    if ((error as NodeJS.ErrnoException).code !== "ENOENT" || isThere(above)) throw error;
    makeFolder(above);
    makeFolder(folder);
  }
}

const isThere = (folder: string): boolean => {
  try {
    return statSync(folder).isDirectory();
  } catch {
    return false; // not there, or not to be seen
  }
};
