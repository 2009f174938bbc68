import { native } from "./native.js";

/** Tensors alive in this thread: how many there are, and the bytes of their storages, shared ones counted once. */
export function liveTensors(): { readonly count: number; readonly bytes: number } {
  return native().liveTensors();
}

/** Bytes of large CPU tensors and working memory, in the whole process. */
export interface MemoryUsage {
  /** In use now. */
  readonly live: number;
  /** The most ever in use at once. */
  readonly peak: number;
  /** Held from the system, in use or kept for the next: never much more than `peak`. */
  readonly resident: number;
}

/**
 * What the allocator of CPU tensors holds. Freed memory is kept for the tensors to come, since fresh pages cost an eighth of a training
 * step; it is given back where more than ever lived at once would be held, where nobody asked for it in ten seconds, and by `emptyCache`.
 */
export function memoryUsage(): MemoryUsage {
  return native().memoryUsage();
}

/** Gives memory kept for later tensors back to the system. Tensors in use stay as they are. */
export function emptyCache(): void {
  native().emptyCache();
}
