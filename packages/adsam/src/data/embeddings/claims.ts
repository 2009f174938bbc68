/**
 * Who computes what, so that two processes at one store do not compute the same picture, and two studies of one folder not the same run.
 * A claim is a hard link, named after the work, to a small file that says which process this is: making a link is atomic on local and on
 * network file systems, and the claim is never seen without its content. A process that is not heard of for long is taken for dead and its
 * claims are taken over, though it may only have been suspended: it finds out when it renews them. Of an embedding store that costs a
 * picture computed and stored twice, which harms no one; who writes elsewhere stops at `lost`.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  existsSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import { isAtWork, ownMark, type ProcessMark } from "../../process-mark.js";
import { makeFolder } from "../make-folder.js";
import { cannotWriteStore } from "./write-failure.js";

/**
 * A claim of another machine that was not renewed for so long has lapsed; who waits for a claim gives up after it, too, since its holder may
 * have been suspended. A picture takes seconds; what takes longer is renewed.
 */
export const lapsesAfterMs = 15 * 60_000;

interface Owner extends ProcessMark {
  readonly token: string;
}

export interface Claim {
  /** Aborted once another process is seen to have taken it over; the reason is that process's mark, or null where it has let go since. */
  readonly lost: AbortSignal;
  /** Says that this process is still at it. @returns whether it is still this process's, for all that can be seen */
  renew(): boolean;
  /** Lets go of it. Twice is harmless, and so is letting go of what another has taken over. */
  release(): void;
}

export class Claims {
  readonly #folder: string;
  readonly #refusal: (folder: string, error: unknown) => unknown;
  readonly #owner: Owner = { ...ownMark(), token: randomBytes(8).toString("hex") };
  readonly #ownFile: string;
  readonly #held = new Map<string, AbortController>();
  #ready = false;

  /**
   * @param folder made when the first claim is taken
   * @param refusal what a failed write is told as; by default an embedding store's
   */
  constructor(folder: string, refusal: (folder: string, error: unknown) => unknown = cannotWriteStore) {
    this.#folder = folder;
    this.#refusal = refusal;
    this.#ownFile = this.#fileOf(this.#owner);
  }

  /**
   * Claims a name, also from a process that is dead.
   * @returns undefined where a process at work holds it, this one included
   * @throws Problem where nothing can be written
   */
  take(name: string): Claim | undefined {
    const file = path.join(this.#folder, name);
    try {
      this.#prepare();
      for (let tries = 0; tries < 3; tries++) {
        if (this.#link(file) || this.#isOurs(file)) return this.#hold(file);
        if (!this.#clearIfDead(file)) return undefined;
      }
      return undefined;
    } catch (error) {
      throw this.#refusal(path.dirname(this.#folder), error);
    }
  }

  #hold(file: string): Claim {
    const loss = new AbortController();
    this.#held.set(file, loss);
    return {
      lost: loss.signal,
      renew: () => this.#held.get(file) === loss && this.#renew(file),
      release: () => {
        if (this.#held.get(file) === loss) this.#release(file);
      },
    };
  }

  /**
   * Says that this process is still at what it holds, for other machines: work that takes longer than a claim lasts says it now and then.
   * What another process holds by now is left to it, and is lost.
   */
  renew(): void {
    if (!this.#ready || !existsSync(this.#folder)) return; // the disk is away for a moment
    try {
      this.#sign();
    } catch {} // likewise
    for (const file of [...this.#held.keys()]) this.#renew(file);
  }

  #renew(file: string): boolean {
    const owner = settledOwner(file);
    if (owner === undefined || !existsSync(this.#folder)) return true; // the disk is away for a moment, nothing is known
    if (owner !== "gone" && owner.token === this.#owner.token) {
      try {
        touch(file);
      } catch {} // likewise; the next time does it
      return true;
    }
    const loss = this.#held.get(file);
    this.#held.delete(file);
    loss?.abort(owner === "gone" ? null : owner);
    return false;
  }

  /** The process that holds a name and may be at work; undefined where none is. Takes nothing. */
  holder(name: string): ProcessMark | undefined {
    const file = path.join(this.#folder, name);
    const owner = readOwner(file);
    if (owner === "gone" || owner === undefined) return undefined;
    const atWork = isAtWork(owner);
    const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    return atWork === true || (atWork === undefined && age < lapsesAfterMs) ? owner : undefined;
  }

  /** Says that this process is still at it, for other machines; the first time it clears away what the dead left there. */
  #prepare(): void {
    this.#sign();
    if (this.#ready) return;
    this.#ready = true;
    this.#clearDead();
  }

  /** Makes the folder and the file that says which process this is; whoever took this process for dead has cleared it away. */
  #sign(): void {
    if (this.#ready && touch(this.#ownFile)) return;
    makeFolder(this.#folder);
    writeFileSync(this.#ownFile, JSON.stringify(this.#owner), { flag: "wx" });
  }

  #clearDead(): void {
    for (const name of readdirSync(this.#folder)) this.#clearIfDead(path.join(this.#folder, name));
  }

  #fileOf({ pid, token }: Owner): string {
    return path.join(this.#folder, `.process-${pid}-${path.basename(String(token))}`);
  }

  #link(file: string): boolean {
    try {
      linkSync(this.#ownFile, file);
      return true;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EEXIST") return false;
      if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code ?? "")) throw error;
    }
    try {
      writeFileSync(file, JSON.stringify(this.#owner), { flag: "wx" }); // a file system without links
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  /** A network file system may report a link as there that it has just made: its answer was lost, and the request sent again. */
  #isOurs(file: string): boolean {
    if (this.#held.has(file)) return false;
    const owner = readOwner(file);
    return owner !== "gone" && owner?.token === this.#owner.token;
  }

  /** @returns whether the name may be free now */
  #clearIfDead(file: string): boolean {
    if (this.#held.has(file) || file === this.#ownFile) return false;
    const owner = readOwner(file);
    if (owner === "gone") return true;
    if (!this.#isDead(file, owner)) return false;
    // Moved aside first: of two that clear it at once one succeeds, and neither deletes a claim that came after.
    const aside = `${file}.${this.#owner.token}`;
    try {
      renameSync(file, aside);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return true;
      throw error;
    }
    const moved = readOwner(aside);
    const isThatOne = moved !== "gone" && moved?.token === owner?.token;
    if (!isThatOne)
      try {
        linkSync(aside, file);
      } catch {} // its place is taken, or there are no links: then a picture may be computed twice
    rmSync(aside, { force: true });
    if (isThatOne && owner) rmSync(this.#fileOf(owner), { force: true });
    return isThatOne;
  }

  #isDead(file: string, owner: Owner | undefined): boolean {
    const atWork = owner && isAtWork(owner);
    if (atWork !== undefined) return !atWork;
    // Both times are the file server's, so that clocks may differ.
    const [theirs, ours] = [file, this.#ownFile].map((one) => statSync(one, { throwIfNoEntry: false })?.mtimeMs);
    return theirs === undefined || (ours !== undefined && ours - theirs > lapsesAfterMs);
  }

  #release(file: string): void {
    this.#held.delete(file);
    const owner = readOwner(file);
    if (owner === "gone" || owner?.token !== this.#owner.token) return; // another's by now, or the disk is away
    try {
      rmSync(file, { force: true });
    } catch {} // it lapses with this process
  }

  /** Releases everything, and clears away what others left that died meanwhile. */
  close(): void {
    for (const file of [...this.#held.keys()]) this.#release(file);
    if (this.#ready) {
      try {
        this.#clearDead();
        rmSync(this.#ownFile, { force: true });
      } catch {} // whoever comes next does
    }
    this.#ready = false;
  }
}

/**
 * Writes what a file holds over itself: its time is then the file server's, where `utimes` would set this machine's.
 * @returns false where there is no such file; @throws the system's error
 */
function touch(file: string): boolean {
  let opened: number;
  try {
    opened = openSync(file, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
  try {
    writeSync(opened, readFileSync(opened), 0, undefined, 0);
    return true;
  } finally {
    closeSync(opened);
  }
}

/** A claim that someone looks at is moved aside for a moment: what is gone is looked for once more. */
function settledOwner(file: string): ReturnType<typeof readOwner> {
  const owner = readOwner(file);
  if (owner !== "gone") return owner;
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  return readOwner(file);
}

/** Undefined for a file that says nothing of the kind, or cannot be read. */
function readOwner(file: string): Owner | undefined | "gone" {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Partial<Owner> | null;
    return typeof owner?.pid === "number" && typeof owner.host === "string" ? (owner as Owner) : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : undefined;
  }
}
