import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "../data/make-folder.js";
import { isAtWork, ownMark, type ProcessMark } from "../process-mark.js";
import { cannotWrite } from "./append-whole.js";

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
      makeFolder(path);
      folder.takeLock();
      for (const name of readdirSync(path))
        if (/^\.(last|best)\.pth\.\d+-[0-9a-f]{8}\.tmp$/.test(name)) rmSync(join(path, name), { force: true });
    } catch (error) {
      throw cannotWrite(path, error);
    }
    return folder;
  }

  private takeLock(): void {
    const own = JSON.stringify(ownMark());
    for (;;)
      try {
        writeFileSync(this.lock, own, { flag: "wx" });
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        const owner = readOwner(this.lock);
        if (owner && isAtWork(owner) !== false)
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

function readOwner(lock: string): ProcessMark | undefined {
  try {
    return JSON.parse(readFileSync(lock, "utf8")) as ProcessMark;
  } catch {
    return undefined; // its writer was killed in between, or it went away just now
  }
}
