/**
 * Who computes what, so that two processes at one store do not compute the same picture. A claim is a hard link, named after the
 * picture, to a small file that says which process this is: making a link is atomic on local and on network file systems, and the
 * claim is never seen without its content. Claims save work and nothing else: where one is missed or taken over wrongly, a picture
 * is computed twice and the store holds it twice, which harms no one.
 */
import { randomBytes } from "node:crypto";
import { linkSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isAtWork, ownMark, type ProcessMark } from "../../process-mark.js";
import { makeFolder } from "../make-folder.js";
import { cannotWriteStore } from "./write-failure.js";

/**
 * A claim of another machine that was not renewed for so long has lapsed; who waits for a claim gives up after it, too, since its holder may
 * have been suspended. A picture takes seconds.
 */
export const lapsesAfterMs = 15 * 60_000;

interface Owner extends ProcessMark {
  readonly token: string;
}

export interface Claim {
  /** Lets go of it. Twice is harmless. */
  release(): void;
}

export class Claims {
  readonly #folder: string;
  readonly #refusal: (folder: string, error: unknown) => unknown;
  readonly #owner: Owner = { ...ownMark(), token: randomBytes(8).toString("hex") };
  readonly #ownFile: string;
  readonly #held = new Set<string>();
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
    } catch (error) {
      throw this.#refusal(path.dirname(this.#folder), error);
    }
    for (let tries = 0; tries < 3; tries++) {
      if (this.#link(file) || this.#isOurs(file)) {
        this.#held.add(file);
        return { release: () => this.#release(file) };
      }
      if (!this.#clearIfDead(file)) return undefined;
    }
    return undefined;
  }

  /** Says that this process is still at what it holds, for other machines: work that takes longer than a claim lasts says it now and then. */
  renew(): void {
    const now = new Date();
    for (const file of [this.#ownFile, ...this.#held])
      try {
        utimesSync(file, now, now);
      } catch {} // taken over while this process was suspended, or the disk is away for a moment
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

  /** Says that this process is still at it, for other machines; first of all makes the folder, and clears away what the dead left there. */
  #prepare(): void {
    if (this.#ready) {
      const now = new Date();
      utimesSync(this.#ownFile, now, now);
      return;
    }
    makeFolder(this.#folder);
    writeFileSync(this.#ownFile, JSON.stringify(this.#owner), { flag: "wx" });
    this.#ready = true;
    this.#clearDead();
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
    if (this.#held.delete(file)) rmSync(file, { force: true });
  }

  /** Releases everything, and clears away what others left that died meanwhile. */
  close(): void {
    for (const file of [...this.#held]) this.#release(file);
    if (this.#ready) {
      try {
        this.#clearDead();
      } catch {} // whoever comes next does
      rmSync(this.#ownFile, { force: true });
    }
    this.#ready = false;
  }
}

/** Undefined for a file that says nothing of the kind. */
function readOwner(file: string): Owner | undefined | "gone" {
  try {
    const owner = JSON.parse(readFileSync(file, "utf8")) as Partial<Owner> | null;
    return typeof owner?.pid === "number" && typeof owner.host === "string" ? (owner as Owner) : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? "gone" : undefined;
  }
}
