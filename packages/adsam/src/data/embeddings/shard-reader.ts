import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { crc32 } from "@adsam/torch/io/crc32";
import { headerBytes, parseRecordHeader, type RecordHeader, shardFault } from "./record.js";

/** One shard, possibly still growing under another process. */
export class ShardReader {
  /** What makes the shard unusable, once that is certain. */
  fault: string | undefined;
  /** Records whose header was readable neither in the index nor in the data. */
  lost = 0;
  readonly #data: string;
  readonly #index: string;
  readonly #record: number;
  #seen = 0;
  #begun = false;
  #looked = false;
  #fd: number | undefined;

  /** @param stem the path without `.data` or `.index` */
  constructor(
    readonly name: string,
    stem: string,
    private readonly key: string,
    private readonly payload: number,
  ) {
    this.#data = `${stem}.data`;
    this.#index = `${stem}.index`;
    this.#record = headerBytes + payload;
  }

  /**
   * The records that came since the last call. Costs one look at the index's size where there are none.
   * The first call also finds records that the index does not have: whole ones at the end of a shard whose writer was killed.
   */
  news(): RecordHeader[] {
    if (this.fault !== undefined) return [];
    if (!this.#begun && !this.#begin()) return [];
    const found = this.#fromIndex();
    if (this.#looked) return found;
    this.#looked = true;
    return [...found, ...this.#beyondIndex()];
  }

  /** Whether the shard's header stands and is the store's. */
  #begin(): boolean {
    const head = readAt(this.#data, 0, headerBytes);
    if (head.length < headerBytes) return false; // just being made, or its writer was killed then
    this.fault = shardFault(head, this.key, this.payload);
    this.#begun = this.fault === undefined;
    return this.#begun;
  }

  #fromIndex(): RecordHeader[] {
    const size = statSync(this.#index, { throwIfNoEntry: false })?.size ?? 0;
    const whole = Math.floor(size / headerBytes) - 1; // the shard's header is the first entry; a torn one at the end waits
    if (whole <= this.#seen) return [];
    const entries = readAt(this.#index, (1 + this.#seen) * headerBytes, (whole - this.#seen) * headerBytes);
    const count = Math.floor(entries.length / headerBytes);
    const found: RecordHeader[] = [];
    for (let i = 0; i < count; i++) {
      const ordinal = this.#seen + i;
      const header = parseRecordHeader(entries, i * headerBytes, ordinal) ?? this.#headerInData(ordinal);
      if (header) found.push(header);
      else this.lost++;
    }
    this.#seen += count;
    return found;
  }

  #beyondIndex(): RecordHeader[] {
    const size = statSync(this.#data, { throwIfNoEntry: false })?.size ?? 0;
    const whole = Math.floor((size - headerBytes) / this.#record);
    const found: RecordHeader[] = [];
    for (; this.#seen < whole; this.#seen++) {
      const header = this.#headerInData(this.#seen);
      // The last one may just be being written, its end before its middle: its payload decides.
      if (!header || (this.#seen === whole - 1 && !this.#holds(header))) break;
      found.push(header);
    }
    return found;
  }

  #headerInData(ordinal: number): RecordHeader | undefined {
    return parseRecordHeader(readAt(this.#data, this.#place(ordinal), headerBytes), 0, ordinal);
  }

  #holds(header: RecordHeader): boolean {
    const payload = Buffer.allocUnsafe(this.payload);
    return this.read(header.ordinal, payload) && crc32(payload) === header.checksum;
  }

  #place(ordinal: number): number {
    return headerBytes + ordinal * this.#record;
  }

  /** Fills `into` with a record's payload. @returns false where the file ends before */
  read(ordinal: number, into: Uint8Array): boolean {
    try {
      this.#fd ??= openSync(this.#data, "r");
      return readWhole(this.#fd, into, this.#place(ordinal) + headerBytes) === into.length;
    } catch (error) {
      if (isUnreadable(error)) return false;
      throw error;
    }
  }

  get isOpen(): boolean {
    return this.#fd !== undefined;
  }

  /** Lets go of the file; the next `read` opens it again. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}

/** Opened anew each time: that is when a network file system looks for what others wrote. */
function readAt(file: string, at: number, length: number): Buffer {
  let fd: number | undefined;
  try {
    fd = openSync(file, "r");
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(length, fstatSync(fd).size - at)));
    return bytes.subarray(0, readWhole(fd, bytes, at));
  } catch (error) {
    if (isUnreadable(error)) return Buffer.alloc(0);
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

function readWhole(fd: number, into: Uint8Array, at: number): number {
  let done = 0;
  while (done < into.length) {
    const count = readSync(fd, into, done, into.length - done, at + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** Deleted, or on a part of the disk that is broken: what stood there is computed anew. */
const isUnreadable = (error: unknown): boolean =>
  ["ENOENT", "EIO", "ESTALE"].includes((error as NodeJS.ErrnoException).code ?? "");
