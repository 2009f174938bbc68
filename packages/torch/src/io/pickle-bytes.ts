import { Problem } from "../problem.js";

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
/** Longest whole number a pickle may hold, in bytes. Python's own hashes and seeds need at most 20. */
const MAX_LONG_BYTES = 1024;
/** Longest module or attribute name. */
const MAX_LINE = 1024;

/** The operands of a pickle, read in order; every length is checked against what is left. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at: number;

  constructor(bytes: Uint8Array, start: number, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#at = start;
    this.#what = what;
  }

  get position(): number {
    return this.#at;
  }

  /** The next `length` bytes, as a view. */
  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  f64BigEndian(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  /** An eight-byte length. */
  length8(): number {
    const value = this.#view.getBigUint64(this.#advance(8), true);
    if (value > BigInt(this.#bytes.length)) this.#refuse(`a length of ${value} bytes`, `at most ${this.#bytes.length}`);
    return Number(value);
  }

  text(length: number): string {
    const bytes = this.take(length);
    try {
      return utf8.decode(bytes);
    } catch {
      return this.#refuse("text that is not UTF-8", "UTF-8");
    }
  }

  /** Up to the next newline, which is taken and left out. */
  line(): string {
    const end = this.#bytes.subarray(this.#at, this.#at + MAX_LINE).indexOf(10);
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

  #advance(length: number): number {
    const start = this.#at;
    if (start + length > this.#bytes.length) this.#refuse(`an end after ${this.#bytes.length} bytes`, "a whole pickle");
    this.#at = start + length;
    return start;
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
