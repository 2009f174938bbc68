import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import { Problem } from "./problem.js";
import { threadWaiting } from "./thread-waiting.js";

/** A tensor's id in the addon's table; ids are never used twice. */
export type TensorId = number;

/** An operator as the dispatcher knows it. `returns`: "T" tensor, "L" list of tensors, "V" plain value, "=2" argument 2 itself. */
export interface PreparedOperator {
  readonly index: number;
  readonly returns: readonly string[];
  readonly args: readonly string[];
  readonly schema: string;
}

/** What the addon exports; everything above speaks to libtorch through these. */
export interface Native {
  prepare(name: string, overload: string): PreparedOperator;
  call(index: number, args: readonly unknown[]): unknown;
  callAsync(index: number, args: readonly unknown[]): Promise<unknown>;
  schemas(name: string): string[];
  operators(): string[];
  loadLibrary(path: string): void;

  sizes(id: TensorId): number[];
  strides(id: TensorId): number[];
  dtype(id: TensorId): string;
  device(id: TensorId): string;
  storageOffset(id: TensorId): number;
  storage(id: TensorId): { key: string; bytes: number };
  release(id: TensorId): void;
  /** No scope frees it: the collector should feel its weight. */
  leaveToCollector(id: TensorId): void;
  alias(id: TensorId): TensorId;
  isSame(a: TensorId, b: TensorId): boolean;
  fromBytes(bytes: ArrayBufferView | ArrayBuffer, dtype: string, shape: readonly number[]): TensorId;
  share(bytes: ArrayBufferView | ArrayBuffer, dtype: string, shape: readonly number[]): TensorId;
  bytes(id: TensorId): ArrayBuffer;
  copyBytes(id: TensorId, target: ArrayBufferView): void;
  item(id: TensorId): number | bigint | boolean;
  setData(id: TensorId, data: TensorId): void;

  requiresGrad(id: TensorId): boolean;
  setRequiresGrad(id: TensorId, value: boolean): void;
  isLeaf(id: TensorId): boolean;
  gradOf(id: TensorId): TensorId | undefined;
  setGrad(id: TensorId, grad: TensorId | undefined): void;
  clearGrads(ids: readonly TensorId[]): void;
  setGradMode(enabled: boolean): boolean;
  backward(
    roots: readonly TensorId[],
    cotangents: readonly (TensorId | undefined)[],
    retain: boolean,
    create: boolean,
  ): void;
  grad(
    outputs: readonly TensorId[],
    inputs: readonly TensorId[],
    cotangents: readonly (TensorId | undefined)[],
    retain: boolean,
    create: boolean,
    allowUnused: boolean,
  ): (TensorId | undefined)[];
  attach(
    name: string,
    inputs: readonly TensorId[],
    outputs: readonly TensorId[],
    saved: readonly TensorId[],
    backward: (
      cotangents: (TensorId | undefined)[],
      saved: TensorId[],
      gradMode: boolean,
    ) => readonly (TensorId | undefined)[],
  ): void;

  autocast(device: string, enabled: boolean, dtype: string): void;
  clearAutocastCache(): void;

  recordEvent(device: string): unknown;
  eventDone(event: unknown): boolean;
  awaitEvent(event: unknown): void;
  holdForEvent(event: unknown, device: string): void;
  onSideStream<T>(device: string, body: () => T): T;
  useOnStream(id: TensorId): void;

  generator(seed: number | bigint): unknown;
  defaultGenerator(device: string): unknown;
  generatorSeed(generator: unknown, seed: number | bigint): void;
  generatorState(generator: unknown): TensorId;
  generatorSetState(generator: unknown, state: TensorId): void;

  liveTensors(): { count: number; bytes: number };
  memoryUsage(): { live: number; peak: number; resident: number };
  emptyCache(): void;
  mapFile(path: string): TensorId;
  buildInfo(): { version: string; cuda: boolean; threads: number; config: string; parallel: string };
  numThreads(): number;
  setNumThreads(threads: number): void;
}

/** What the launcher's build wrote: where the libraries are, and which libtorch they were built against. */
export interface NativeBuild {
  readonly hash: string;
  readonly addon: string;
  readonly kernels: string;
  /** CMake's folder, where tests build what only they need. */
  readonly work: string;
  /** Whether the kernels written in CUDA are in it, and for which architectures or why not. */
  readonly cudaKernels: { readonly built: boolean; readonly text: string };
  readonly pictures: string;
  readonly libtorch: {
    readonly dir: string;
    readonly version: string;
    readonly source: "LIBTORCH" | "python" | "system";
    readonly cuda: boolean;
  };
}

/** The repository's root: the nearest folder above that has `CMakeLists.txt`. */
function repositoryRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, "CMakeLists.txt"))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new Problem({
        what: "the native part",
        found: "no folder with CMakeLists.txt above the package",
        todo: "Run it from a clone of the repository.",
      });
    folder = parent;
  }
  return folder;
}

/** The build in use: `ADSAM_NATIVE` (a `current.json`) or the repository's own. */
export function nativeBuild(): NativeBuild {
  const path = process.env.ADSAM_NATIVE ?? join(repositoryRoot(), "build", "native", "current.json");
  if (!existsSync(path))
    throw new Problem({
      what: "the native part is not built",
      found: `no file ${path}`,
      todo: "Start any command through `./adsam` in the repository, such as `./adsam demo`: it builds what is missing.",
    });
  return JSON.parse(readFileSync(path, "utf8")) as NativeBuild;
}

/**
 * Debian's OpenBLAS knows AMD's cores up to Zen 4 and takes AVX2 kernels on younger ones; its AVX-512 kernels are twice as fast there.
 * The launcher sets the same for commands (scripts/setup/environment.mjs).
 */
function chooseBlasKernels(): void {
  if (!isMainThread || process.platform !== "linux" || process.arch !== "x64" || process.env.OPENBLAS_CORETYPE) return;
  try {
    const cpu = readFileSync("/proc/cpuinfo", "utf8").slice(0, 20_000);
    const isYoungAmd = /AuthenticAMD/.test(cpu) && Number(/cpu family\s*: (\d+)/.exec(cpu)?.[1]) >= 26;
    if (isYoungAmd && /\bavx512vl\b/.test(cpu)) process.env.OPENBLAS_CORETYPE = "SkylakeX";
  } catch {
    // No /proc: OpenBLAS's own choice stands.
  }
}

let loaded: Native | undefined;

/** The addon, loaded at the first use (0.8 s), so that what needs no tensor does not pay for it. */
export function native(): Native {
  if (loaded) return loaded;
  const build = nativeBuild();
  chooseBlasKernels();
  if (isMainThread) Object.assign(process.env, threadWaiting(process.env));
  try {
    loaded = createRequire(import.meta.url)(build.addon) as Native;
  } catch (error) {
    throw new Problem(
      {
        what: `the native part ${build.addon} does not load`,
        found: (error as Error).message.split("\n")[0] ?? "",
        expected: `a build for Node ${process.version} and libtorch ${build.libtorch.version} (${build.libtorch.dir})`,
        todo: "Run `./adsam doctor`; after removing build/native the next command through `./adsam` builds afresh.",
      },
      { cause: error },
    );
  }
  // libtorch 1.13 counts physical cores only, one on many virtual machines; every core this process may use is meant.
  if (isMainThread && !process.env.OMP_NUM_THREADS) loaded.setNumThreads(availableParallelism());
  return loaded;
}
