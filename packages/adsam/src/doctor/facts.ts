/** One thing the doctor looked at. */
export interface Fact {
  /** Stable name for programs: `node`, `libtorch`, `blas` … */
  readonly key: string;
  /** The same for people. */
  readonly title: string;
  /** `fail`: commands that need it cannot run. `warn`: they run, slower or with something missing. */
  readonly status: "ok" | "warn" | "fail";
  /** What was found. */
  readonly found: string;
  /** What to do about it; present unless the status is `ok`. */
  readonly todo?: string;
}

/** What the engine says of itself once it is loaded (`torch.buildInfo()`), and this project's kernels with it. */
export interface EngineInfo {
  readonly version: string;
  readonly cuda: boolean;
  readonly threads: number;
  /** libtorch's own description of how it was built. */
  readonly config: string;
  /** The instruction set of the CPU kernels (`cpuKernels()` of @adsam/kernels). */
  readonly kernels?: string;
}

export function ok(key: string, title: string, found: string): Fact {
  return { key, title, status: "ok", found };
}

export function warn(key: string, title: string, found: string, todo: string): Fact {
  return { key, title, status: "warn", found, todo };
}

export function fail(key: string, title: string, found: string, todo: string): Fact {
  return { key, title, status: "fail", found, todo };
}

/** Bytes as people say them: "3.2 GB". */
export function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
