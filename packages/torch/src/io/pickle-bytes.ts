import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";
import { decodeText } from "./short-text.js";

/** Longest whole number a pickle may hold, in bytes. Python's own hashes and seeds need at most 20. */
const MAX_LONG_BYTES = 1024;
/** Longest module or attribute name. */
const MAX_LINE = 1024;
/** What is read ahead of the position: pickles of a state dict take a few of these. */
const WINDOW_BYTES = 64 << 10;
/** Longest pickle. That of 10 000 parameters with their optimizer's state has 4 MB. */
export const MAX_PICKLE_BYTES = 16 << 20;

/**
 * The operands of a pickle, read in order through a window on their source: in the older form of torch.save gigabytes of weights follow, and
 * nothing says where the pickle ends but its last opcode. Every length is checked against what is left before anything is read.
 */
export class PickleBytes {
  readonly #source: ByteSource;
  readonly #what: string;
  readonly #limit: number;
  #buffer = new Uint8Array(0);
  #window = this.#buffer;
  #view = new DataView(this.#window.buffer);
  /** Where the window begins in the source, and the next byte in the window. */
  #windowAt: number;
  #at = 0;

  constructor(source: ByteSource, start: number, what: string) {
    this.#source = source;
    this.#windowAt = start;
    this.#limit = Math.min(source.size, start + MAX_PICKLE_BYTES);
    this.#what = what;
  }

  /** Of the next byte, in the source. */
  get position(): number {
    return this.#windowAt + this.#at;
  }

  /** The next `length` bytes, as a view that is valid until more is taken. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#window.subarray(start, start + length);
  }

  u8(): number {
    const at = this.#advance(1); // before the window is named: it may be another one afterwards
    return this.#window[at]!;
  }

  u16(): number {
    const at = this.#advance(2);
    return this.#view.getUint16(at, true);
  }

  u32(): number {
    const at = this.#advance(4);
    return this.#view.getUint32(at, true);
  }

  i32(): number {
    const at = this.#advance(4);
    return this.#view.getInt32(at, true);
  }

  f64BigEndian(): number {
    const at = this.#advance(8);
    return this.#view.getFloat64(at, false);
  }

  /** An eight-byte length. */
  length8(): number {
    const at = this.#advance(8);
    const value = this.#view.getBigUint64(at, true);
    const left = this.#limit - this.position;
    if (value > BigInt(left)) this.#refuse(`a length of ${value} bytes`, `at most ${left}`);
    return Number(value);
  }

  text(length: number): string {
    const bytes = this.take(length);
    try {
      return decodeText(bytes);
    } catch {
      return this.#refuse("text that is not UTF-8", "UTF-8");
    }
  }

  /** Up to the next newline, which is taken and left out. */
  line(): string {
    this.#see(Math.min(MAX_LINE, this.#limit - this.position));
    const end = this.#window.subarray(this.#at, this.#at + MAX_LINE).indexOf(10);
    if (end < 0) this.#refuse("a name without an end", `a newline within ${MAX_LINE} bytes`);
    const text = this.text(end);
    this.#at++;
    return text;
  }

  /** Two's complement, little-endian: a number where a double holds it exactly, a bigint beyond. */
  long(length: number): number | bigint {
    if (length > MAX_LONG_BYTES) this.#refuse(`a whole number of ${length} bytes`, `at most ${MAX_LONG_BYTES}`);
    if (length === 0) return 0;
    const hex = Buffer.from(this.take(length)).reverse().toString("hex");
    const value = BigInt.asIntN(length * 8, BigInt(`0x${hex}`));
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  /** Takes `length` bytes and returns where they begin in the window. */
  #advance(length: number): number {
    if (this.#at + length > this.#window.length) this.#see(length);
    const start = this.#at;
    this.#at = start + length;
    return start;
  }

  /** Makes the window hold the next `length` bytes. */
  #see(length: number): void {
    if (this.#at + length <= this.#window.length) return;
    const { position } = this;
    const left = this.#limit - position;
    if (length > left) {
      if (this.#limit === this.#source.size) this.#refuse(`an end after ${this.#limit} bytes`, "a whole pickle");
      this.#refuse(`a pickle of more than ${MAX_PICKLE_BYTES} bytes`, "a state dict's, which is far smaller");
    }
    const size = Math.min(left, Math.max(length, WINDOW_BYTES));
    if (this.#buffer.length < size) this.#buffer = new Uint8Array(size);
    this.#window = this.#buffer.subarray(0, size);
    this.#source.readInto(this.#window, position);
    this.#view = new DataView(this.#window.buffer, 0, size);
    this.#windowAt = position;
    this.#at = 0;
  }

  #refuse(found: string, expected: string): never {
    throw new Problem({
      what: this.#what,
      found,
      expected,
      todo: "The file is damaged or cut short; fetch or write it again.",
    });
  }
}
