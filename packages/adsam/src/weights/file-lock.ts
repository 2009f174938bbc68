import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";
import { isAtWork, ownMark, type ProcessMark } from "../process-mark.js";

/** Who holds a lock. */
interface Holder extends ProcessMark {
  readonly token: string;
}

/** Milliseconds. A lock not touched for so long is a dead one's, also where its process cannot be asked after. */
const times = { touch: 5_000, stale: 30_000, look: 250 };

export interface FileLock {
  /** Set once another process has taken the lock for a dead one's. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** While another holds it, four times a second. */
  readonly onWait?: () => void;
}

/**
 * Waits until this process alone holds the lock file. One left by a process that was killed is taken over: at once where it lived here,
 * after half a minute where it lived on another machine or in another container.
 * @throws AbortError once the signal is set; the system's error where the folder cannot be written
 */
export async function lockFile(file: string, { signal, onWait }: LockOptions = {}): Promise<FileLock> {
  const holder: Holder = { ...ownMark(), token: randomUUID() };
  for (;;) {
    signal?.throwIfAborted();
    if (await create(file, holder)) return hold(file, holder);
    if (await removeStale(file)) continue;
    onWait?.();
    await pause(times.look, undefined, signal && { signal });
  }
}

/** @returns false where the file is there already; its text may still be on the way, and then nobody can be asked after it yet */
async function create(file: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(file, JSON.stringify(holder), { flag: "wx" });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST") return false;
    if (code === "ENOSPC" || code === "EDQUOT") await rm(file, { force: true }); // made, but empty
    throw error;
  }
}

function hold(file: string, holder: Holder): FileLock {
  const lost = new AbortController();
  const beat = setInterval(async () => {
    const now = new Date();
    if ((await readHolder(file))?.token === holder.token) await utimes(file, now, now).catch(() => undefined);
    else lost.abort();
  }, times.touch);
  beat.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(beat);
      if ((await readHolder(file))?.token === holder.token) await rm(file, { force: true });
    },
  };
}

/** @returns whether the lock is worth another try at once */
async function removeStale(file: string): Promise<boolean> {
  const seen = await readHolder(file);
  const touched = (await stat(file).catch(() => undefined))?.mtimeMs;
  if (touched === undefined) return true; // gone by now
  const isDead = seen !== undefined && isAtWork(seen) === false;
  if (!isDead && Date.now() - touched < times.stale) return false;
  const aside = `${file}.${randomUUID()}`;
  await rename(file, aside).catch(() => undefined); // one of many who see it succeeds
  const taken = await readHolder(aside);
  if (taken !== undefined && taken.token !== seen?.token) await create(file, taken); // a living one's, made meanwhile: put back
  await rm(aside, { force: true });
  return true;
}

async function readHolder(file: string): Promise<Holder | undefined> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as Holder;
  } catch {
    return undefined;
  }
}
