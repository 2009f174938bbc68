import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { Problem } from "../problem.js";

/** Random access to the bytes of a file, or of an array in tests. */
export interface ByteSource {
  /** How errors name it: `checkpoint "runs/best.pth"`. */
  readonly label: string;
  readonly size: number;
  /** Exactly `length` bytes from `offset`; a `Problem` if the source does not have them. */
  read(offset: number, length: number): Uint8Array;
  /** Fills `bytes` from `offset` on; the same refusal. */
  readInto(bytes: Uint8Array, offset: number): void;
}

export class MemorySource implements ByteSource {
  readonly label: string;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, label = "checkpoint in memory") {
    this.#bytes = bytes;
    this.label = label;
  }

  get size(): number {
    return this.#bytes.length;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    return this.#bytes.subarray(offset, offset + length);
  }

  readInto(bytes: Uint8Array, offset: number): void {
    bytes.set(this.read(offset, bytes.length));
  }
}

/** A run of another source's bytes, as a source of its own. */
export class SliceSource implements ByteSource {
  readonly label: string;
  readonly size: number;
  readonly #source: ByteSource;
  readonly #offset: number;

  constructor(source: ByteSource, offset: number, size: number) {
    this.label = source.label;
    this.size = size;
    this.#source = source;
    this.#offset = offset;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    return this.#source.read(this.#offset + offset, length);
  }

  readInto(bytes: Uint8Array, offset: number): void {
    checkRange(this, offset, bytes.length);
    this.#source.readInto(bytes, this.#offset + offset);
  }
}

export class FileSource implements ByteSource {
  readonly label: string;
  readonly path: string;
  readonly size: number;
  readonly #fd: number;
  /** Last change of the file, in nanoseconds. */
  readonly #changed: bigint;

  constructor(path: string) {
    this.path = path;
    this.label = `checkpoint "${path}"`;
    this.#fd = openForReading(path, this.label);
    const stat = fstatSync(this.#fd, { bigint: true });
    if (!stat.isFile()) {
      closeSync(this.#fd);
      const found = stat.isDirectory() ? "a folder" : "no regular file";
      throw new Problem({ what: this.label, found, expected: "a .safetensors, .pth or .pt file" });
    }
    this.size = Number(stat.size);
    this.#changed = stat.mtimeNs;
  }

  read(offset: number, length: number): Uint8Array {
    checkRange(this, offset, length);
    const bytes = new Uint8Array(length);
    this.readInto(bytes, offset);
    return bytes;
  }

  /** Fills `bytes` from `offset` on: straight into a tensor's memory, which nothing else then holds a copy of. */
  readInto(bytes: Uint8Array, offset: number): void {
    const length = bytes.byteLength;
    checkRange(this, offset, length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#fd, bytes, done, Math.min(length - done, 1 << 30), offset + done);
      if (count === 0) {
        throw new Problem({
          what: this.label,
          found: `an end after ${offset + done} bytes`,
          expected: `${this.size} bytes`,
        });
      }
      done += count;
    }
  }

  /** @throws Problem where the file was written to since it was opened; one that was replaced by another stays what it was */
  assertUnchanged(): void {
    const { size, mtimeNs } = fstatSync(this.#fd, { bigint: true });
    if (Number(size) === this.size && mtimeNs === this.#changed) return;
    throw new Problem({
      what: this.label,
      found: "a file that was written to while it was read",
      expected: "one that stays as it is",
      todo: "Wait until whatever writes it is done, and load it again.",
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/** The bytes of a range in pieces of at most 4 MiB, so that a check of a large file holds little of it. */
export function* chunksOf(source: ByteSource, offset: number, length: number): Generator<Uint8Array> {
  const step = 4 << 20;
  for (let done = 0; done < length; done += step) {
    yield source.read(offset + done, Math.min(step, length - done));
  }
}

function checkRange(source: ByteSource, offset: number, length: number): void {
  const end = offset + length;
  if (![offset, length, end].every((value) => Number.isSafeInteger(value) && value >= 0) || end > source.size) {
    throw new Problem({
      what: source.label,
      found: `a file of ${source.size} bytes that refers to bytes ${offset} to ${end}`,
      expected: "a whole file",
      todo: "It is cut short or damaged; fetch or write it again.",
    });
  }
}

function openForReading(path: string, label: string): number {
  try {
    return openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // a named pipe would keep us waiting for its writer
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT") {
      throw new Problem({ what: label, found: "no such file", todo: "Check the path." }, { cause: error });
    }
    if (code === "EACCES" || code === "EPERM") {
      throw new Problem({ what: label, found: "no permission to read it" }, { cause: error });
    }
    throw new Problem({ what: label, found: (error as Error).message, expected: "a readable file" }, { cause: error });
  }
}
