import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { cannotWrite } from "./append-whole.js";

/** Who writes into a run's folder. `started` tells two processes of one number apart, where the system says when each began. */
interface Owner {
  readonly pid: number;
  readonly host: string;
  readonly started: string | null;
}

/**
 * The folder of one training run while this process writes into it. A second run is refused, by name of the process; the claim of a
 * process that was killed lapses by itself, and the half-written files it left are cleared away.
 */
export class RunFolder {
  /** What resuming continues from. */
  readonly last: string;
  /** The weights of the highest validation mIoU. */
  readonly best: string;
  private readonly lock: string;

  private constructor(readonly path: string) {
    this.last = lastCheckpoint(path);
    this.best = join(path, "best.pth");
    this.lock = join(path, ".lock");
  }

  /**
   * Claims the folder, and makes it for a new run.
   * @throws Problem where a new run finds an old one, a resumed run finds none, another process is at work, or nothing can be written
   */
  static claim(path: string, { resume = false }: { readonly resume?: boolean } = {}): RunFolder {
    const folder = new RunFolder(path);
    if (resume) requireRun(path);
    else if (existsSync(folder.last))
      throw new Problem({
        what: `run folder "${path}"`,
        found: "a run that was begun before (last.pth)",
        expected: "a new or empty folder",
        todo: "Add --resume to continue it, or choose another folder with --out.",
      });
    try {
      mkdirSync(path, { recursive: true });
      folder.takeLock();
      for (const name of readdirSync(path))
        if (/^\.(last|best)\.pth\.\d+-[0-9a-f]{8}\.tmp$/.test(name)) rmSync(join(path, name), { force: true });
    } catch (error) {
      throw cannotWrite(path, error);
    }
    return folder;
  }

  private takeLock(): void {
    const own = JSON.stringify({ pid: process.pid, host: hostname(), started: startOf(process.pid) } satisfies Owner);
    for (;;)
      try {
        writeFileSync(this.lock, own, { flag: "wx" });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        const owner = readOwner(this.lock);
        if (owner && isAtWork(owner))
          throw new Problem({
            what: `run folder "${this.path}"`,
            found: `process ${owner.pid}${owner.host === hostname() ? "" : ` of machine "${owner.host}"`} training in it`,
            expected: "one run a folder",
            todo: `Wait for it or stop it, or choose another folder with --out. If it runs no more, delete "${this.lock}".`,
          });
        rmSync(this.lock, { force: true });
      }
  }

  /** Lets go of the folder. */
  [Symbol.dispose](): void {
    rmSync(this.lock, { force: true });
  }
}

/** Where a run keeps what it resumes from. */
export function lastCheckpoint(out: string): string {
  return join(out, "last.pth");
}

/** @throws Problem where the folder holds no run to resume */
export function requireRun(out: string): void {
  if (existsSync(lastCheckpoint(out))) return;
  throw new Problem({
    what: "--resume",
    found: `no file "${lastCheckpoint(out)}"`,
    expected: "a run that was begun before",
    todo: "Name its folder with --out, or leave --resume out to begin.",
  });
}

function readOwner(lock: string): Owner | undefined {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as Owner;
  } catch {
    return undefined; // its writer was killed in between, or it went away just now
  }
}

/** Of another machine nothing is known: its process counts as at work. */
function isAtWork({ pid, host, started }: Owner): boolean {
  if (host !== hostname()) return true;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // someone else's process
  }
  return started === startOf(pid);
}

/** When a process began, in the system's own ticks; null where there is no /proc. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null; // field 22; the name before may hold blanks
  } catch {
    return null;
  }
}
