import { native, nativeBuild } from "./native.js";

/** Threads a single operator spreads over. */
export function numThreads(): number {
  return native().numThreads();
}

export function setNumThreads(threads: number): void {
  native().setNumThreads(threads);
}

export interface BuildInfo {
  readonly version: string;
  /** Whether a GPU can be used. */
  readonly cuda: boolean;
  /** Whether the kernels written in CUDA were built; operators of libtorch stand in for them otherwise. */
  readonly cudaKernels: boolean;
  readonly threads: number;
  readonly config: string;
  readonly parallel: string;
}

/** Which libtorch this is, and how it was built. */
export function buildInfo(): BuildInfo {
  return { ...native().buildInfo(), cudaKernels: nativeBuild().cudaKernels?.built ?? false };
}

/** Loads a shared library that registers operators with the dispatcher, as PyTorch's `torch.ops.load_library`. */
export function loadLibrary(path: string): void {
  native().loadLibrary(path);
}
