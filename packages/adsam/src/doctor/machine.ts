import { execFile } from "node:child_process";
import { existsSync, readFileSync, realpathSync, statfsSync } from "node:fs";
import { availableParallelism, freemem, release, totalmem } from "node:os";
import { delimiter, join } from "node:path";

/** What the doctor may ask of a machine; tests answer from a table instead. */
export interface Machine {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: string;
  readonly arch: string;
  readonly kernel: string;
  readonly node: { readonly version: string; readonly abi: string; readonly path: string };
  /** Version of the GNU C library, undefined where the C library is another one. */
  readonly glibc: string | undefined;
  /** Processors this process may use. */
  readonly processors: number;
  /** Bytes; `total` is the container's limit where there is one. */
  readonly memory: { readonly total: number; readonly free: number };
  /** Text of a file, undefined where it cannot be read. */
  read(path: string): string | undefined;
  exists(path: string): boolean;
  /** The file a path leads to through its links; the path itself where there is none. */
  resolve(path: string): string;
  /** Free bytes on the disk of a path, undefined where that cannot be asked. */
  freeDisk(path: string): number | undefined;
  /** First program of that name in PATH. */
  find(program: string): string | undefined;
  /** What a program printed (both streams), undefined where it is missing or failed. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<string | undefined>;
}

/** The machine this process runs on. */
export function thisMachine(): Machine {
  const limit = (process as { constrainedMemory?(): number | undefined }).constrainedMemory?.() ?? 0;
  const total = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return {
    env: process.env,
    platform: process.platform,
    arch: process.arch,
    kernel: release(),
    node: { version: process.versions.node, abi: process.versions.modules, path: process.execPath },
    glibc: glibcVersion(),
    processors: availableParallelism(),
    memory: { total, free: Math.min(freemem(), total) },
    read(path) {
      try {
        return readFileSync(path, "utf8");
      } catch {
        return undefined;
      }
    },
    exists: existsSync,
    resolve(path) {
      return existsSync(path) ? realpathSync(path) : path;
    },
    freeDisk(path) {
      try {
        const { bavail, bsize } = statfsSync(path);
        return bavail * bsize;
      } catch {
        return undefined;
      }
    },
    find(program) {
      const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
      return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
    },
    run(program, args, env = {}) {
      return new Promise((done) => {
        const options = { env: { ...process.env, LC_ALL: "C", ...env }, timeout: 20_000 };
        execFile(program, args, options, (error, out, err) => done(error === null ? `${out}${err}` : undefined));
      });
    },
  };
}

function glibcVersion(): string | undefined {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime;
}
