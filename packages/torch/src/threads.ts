import { native } from "./native.js";

/** Threads a single operator spreads over. */
export function numThreads(): number {
  return native().numThreads();
}

export function setNumThreads(threads: number): void {
  native().setNumThreads(threads);
}

/** Which libtorch this is, and how it was built. */
export function buildInfo(): { version: string; cuda: boolean; threads: number; config: string; parallel: string } {
  return native().buildInfo();
}

/** Loads a shared library that registers operators with the dispatcher, as PyTorch's `torch.ops.load_library`. */
export function loadLibrary(path: string): void {
  native().loadLibrary(path);
}
