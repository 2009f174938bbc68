import { writeSync } from "node:fs";

/** Where a writer puts its bytes: one after another, with the right to mend what is already there. */
export interface ByteSink {
  /** Bytes written so far. */
  readonly position: number;
  write(bytes: Uint8Array): void;
  /** Overwrites bytes written before, for a checksum known only after the data it stands in front of. */
  patch(position: number, bytes: Uint8Array): void;
}

export class MemorySink implements ByteSink {
  #bytes = new Uint8Array(1024);
  #length = 0;

  get position(): number {
    return this.#length;
  }

  write(bytes: Uint8Array): void {
    const needed = this.#length + bytes.length;
    if (needed > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
      larger.set(this.bytes());
      this.#bytes = larger;
    }
    this.#bytes.set(bytes, this.#length);
    this.#length = needed;
  }

  patch(position: number, bytes: Uint8Array): void {
    this.#bytes.set(bytes, position);
  }

  /** What was written: a view, valid until the next write. */
  bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

export class FileSink implements ByteSink {
  readonly #fd: number;
  #position = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  get position(): number {
    return this.#position;
  }

  write(bytes: Uint8Array): void {
    this.#writeAt(bytes, this.#position);
    this.#position += bytes.length;
  }

  patch(position: number, bytes: Uint8Array): void {
    this.#writeAt(bytes, position);
  }

  #writeAt(bytes: Uint8Array, position: number): void {
    const most = 64 << 20; // one write(2) is limited to 2 GiB
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(this.#fd, bytes, done, Math.min(most, bytes.length - done), position + done);
    }
  }
}
