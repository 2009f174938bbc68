import { closeSync, fdatasyncSync, ftruncateSync, openSync, rmSync, writeSync } from "node:fs";
import { crc32 } from "@adsam/torch/io/crc32";
import { type EmbeddingId, headerBytes, largestShardBytes, packRecordHeader, packShardHeader } from "./record.js";

/** Records between two flushes to the disk: what a power cut may take. A killed process loses nothing. */
const recordsAFlush = 64;

/** How bytes reach a file; the tests put one in that fails. */
export type WriteBytes = (fd: number, bytes: Uint8Array, at: number) => void;

export const writeBytes: WriteBytes = (fd, bytes, at) => {
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done, at + done);
};

/** The one shard that a process appends to. No other process writes into it, at no time: a torn end stays as it is, and is passed over. */
export class ShardWriter {
  readonly #data: number;
  readonly #index: number;
  readonly #record: number;
  readonly #write: WriteBytes;
  #count = 0;
  #failed = false;

  /** @param stem the path without `.data` or `.index` */
  constructor(stem: string, key: string, payload: number, write: WriteBytes = writeBytes) {
    this.#record = headerBytes + payload;
    this.#write = write;
    const opened: number[] = [];
    try {
      for (const file of [`${stem}.data`, `${stem}.index`]) {
        const fd = openSync(file, "wx");
        opened.push(fd);
        write(fd, packShardHeader(key, payload), 0);
      }
    } catch (error) {
      for (const fd of opened) closeSync(fd);
      for (const file of [`${stem}.data`, `${stem}.index`]) rmSync(file, { force: true });
      throw error;
    }
    [this.#data, this.#index] = opened as [number, number];
  }

  /** Whether another record must go into another shard. */
  get isFull(): boolean {
    return (
      this.#failed ||
      headerBytes + (this.#count + 1) * this.#record > Math.max(largestShardBytes, this.#record + headerBytes)
    );
  }

  /**
   * Appends a record: first the whole of it, then its entry in the index.
   * Where the disk is full, what was written of it is taken back, and this shard is not written to again.
   */
  append(id: EmbeddingId, payload: Uint8Array): void {
    const ordinal = this.#count;
    const header = packRecordHeader({ id, ordinal, checksum: crc32(payload) });
    const dataEnd = headerBytes + ordinal * this.#record;
    const indexEnd = (1 + ordinal) * headerBytes;
    try {
      this.#write(this.#data, header, dataEnd);
      this.#write(this.#data, payload, dataEnd + headerBytes);
    } catch (error) {
      this.#failed = true;
      takeBack(this.#data, dataEnd);
      throw error;
    }
    try {
      this.#write(this.#index, header, indexEnd);
    } catch (error) {
      this.#failed = true; // the record itself is whole, and found without the index
      takeBack(this.#index, indexEnd);
      throw error;
    }
    this.#count++;
    if (this.#count % recordsAFlush === 0) this.flush();
  }

  /** Brings everything to the disk. */
  flush(): void {
    for (const fd of [this.#data, this.#index])
      try {
        fdatasyncSync(fd);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EINVAL") throw error; // a file system that cannot
      }
  }

  close(): void {
    try {
      this.flush();
    } finally {
      closeSync(this.#data);
      closeSync(this.#index);
    }
  }
}

function takeBack(fd: number, end: number): void {
  try {
    ftruncateSync(fd, end);
  } catch {} // the first failure is the one to tell; a torn end is passed over
}
