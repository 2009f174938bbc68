import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, readFile, rm } from "node:fs/promises";
import { writeWhole } from "../data/files.js";
import { look } from "./cache.js";
import { hashOfFile } from "./hash-file.js";

/** Which version of which file a half download is the beginning of. */
interface PartNote {
  readonly address: string;
  /** A strong ETag, or a time of change, for `If-Range`. Without one a half cannot be continued. */
  readonly validator: string;
}

/**
 * The part of a download that is here: its bytes on disk and their running hash. What it was begun from lies in a note beside it,
 * so that another process can continue it.
 */
export class PartialFile {
  bytes = 0;
  /** Of the version begun with, while there is something to continue. */
  validator: string | undefined;
  #hash: Hash = createHash("sha256");
  #handle: FileHandle | undefined;

  /** @param file where the bytes go; the note's name is this and `.json` */
  constructor(readonly file: string) {}

  /**
   * Takes up what an earlier process left, hashing it.
   * @returns whether there was something to continue; false leaves the part empty
   */
  async takeUp(address: string, signal?: AbortSignal): Promise<boolean> {
    const size = look(this.file)?.size ?? 0;
    const note = await this.#note();
    if (size === 0 || note?.address !== address || note.validator === "") return false;
    this.#hash = await hashOfFile(this.file, { signal });
    this.bytes = size;
    this.validator = note.validator;
    return true;
  }

  /** Forgets what is here; the next bytes are the first ones of the version named. */
  async begin(address: string, validator: string | undefined): Promise<void> {
    await this.close();
    await rm(this.#noteFile, { force: true }); // first: bytes of one version never lie beside the note of another
    this.#handle = await open(this.file, "w");
    this.#hash = createHash("sha256");
    this.bytes = 0;
    this.validator = validator;
    const note: PartNote = { address, validator: validator ?? "" };
    await writeWhole(this.#noteFile, `${JSON.stringify(note)}\n`);
  }

  async append(bytes: Uint8Array): Promise<void> {
    this.#handle ??= await open(this.file, "r+");
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await this.#handle.write(bytes, written, bytes.length - written, this.bytes + written);
      written += bytesWritten;
    }
    this.#hash.update(bytes);
    this.bytes += bytes.length;
  }

  /** Of all bytes so far; the hash stays open. */
  sha256(): string {
    return this.#hash.copy().digest("hex");
  }

  /** Leaves nothing in memory: the bytes are on the disk, the file is closed. */
  async flush(): Promise<void> {
    await this.#handle?.sync();
    await this.close();
  }

  async close(): Promise<void> {
    await this.#handle?.close();
    this.#handle = undefined;
  }

  async discard(): Promise<void> {
    await this.close();
    await rm(this.file, { force: true });
    await rm(this.#noteFile, { force: true });
    this.#hash = createHash("sha256");
    this.bytes = 0;
    this.validator = undefined;
  }

  /** After the file got its own name. */
  async dropNote(): Promise<void> {
    await rm(this.#noteFile, { force: true });
  }

  get #noteFile(): string {
    return `${this.file}.json`;
  }

  async #note(): Promise<PartNote | undefined> {
    try {
      const note = JSON.parse(await readFile(this.#noteFile, "utf8")) as Partial<PartNote>;
      return typeof note.address === "string" && typeof note.validator === "string" ? (note as PartNote) : undefined;
    } catch {
      return undefined;
    }
  }
}
