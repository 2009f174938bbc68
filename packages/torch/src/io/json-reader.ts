import { Problem } from "../problem.js";
import { decodeText } from "./short-text.js";

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
/** Longest name of a tensor or field, in bytes. */
const MAX_KEY_BYTES = 4096;
/** Objects and arrays inside each other: a safetensors header has three. */
const MAX_DEPTH = 4;

/** What a value is, by its first byte. */
export type JsonKind = "object" | "array" | "string" | "number" | "word" | "nothing";

/**
 * Reads JSON that comes from a file, value by value as its reader asks for them, so that nothing is made of a text that is not what it should
 * be: `JSON.parse` makes 200 MB of objects from a header of 16 MB. Refuses a key that stands twice in one object (two readers could see two
 * different files), nesting deeper than four, and whatever the grammar does not allow (RFC 8259).
 */
export class JsonReader {
  readonly #bytes: Uint8Array;
  readonly #what: string;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#what = what;
  }

  /** What comes next, without taking it. */
  get kind(): JsonKind {
    const byte = this.#peek();
    if (byte === OPEN_OBJECT) return "object";
    if (byte === OPEN_ARRAY) return "array";
    if (byte === QUOTE) return "string";
    if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) return "number";
    return byte >= 0x61 && byte <= 0x7a ? "word" : "nothing";
  }

  /** Takes an object; `field` is called after each key and takes its value. */
  object(field: (key: string) => void): void {
    const keys = new Set<string>();
    this.#items(OPEN_OBJECT, CLOSE_OBJECT, () => {
      const start = this.#at;
      if (this.#peek() !== QUOTE) this.#malformed();
      const key = this.string();
      if (this.#at - start > MAX_KEY_BYTES + 2)
        this.refuse(`a name of ${this.#at - start - 2} bytes`, `at most ${MAX_KEY_BYTES}`);
      if (keys.has(key)) this.refuse(`the name ${JSON.stringify(key)} twice`, "each name once");
      keys.add(key);
      this.#expect(COLON);
      field(key);
    });
  }

  /** Takes an array; `item` is called before each item and takes it. */
  array(item: () => void): void {
    this.#items(OPEN_ARRAY, CLOSE_ARRAY, item);
  }

  string(): string {
    this.#expect(QUOTE);
    const start = this.#at;
    let isPlain = true;
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined || byte < 0x20) this.#malformed();
      if (byte === QUOTE) break;
      if (byte === BACKSLASH) isPlain = false;
      this.#at += byte === BACKSLASH ? 2 : 1;
    }
    this.#at++;
    if (isPlain) return this.#text(start, this.#at - 1);
    try {
      return JSON.parse(this.#text(start - 1, this.#at)) as string;
    } catch (error) {
      if (error instanceof Problem) throw error;
      return this.#malformed();
    }
  }

  number(): number {
    const text = this.#run();
    return NUMBER.test(text) ? Number(text) : this.#malformed();
  }

  /** Takes any value and returns a scalar; containers are taken whole and come as undefined. */
  anything(): string | number | boolean | null | undefined {
    switch (this.kind) {
      case "string":
        return this.string();
      case "number":
        return this.number();
      case "object":
        this.object(() => this.anything());
        return undefined;
      case "array":
        this.array(() => this.anything());
        return undefined;
      case "word": {
        const word = this.#run();
        if (word === "true" || word === "false") return word === "true";
        return word === "null" ? null : this.#malformed();
      }
      case "nothing":
        return this.#malformed();
    }
  }

  /** Asserts that nothing but white space is left. */
  end(): void {
    if (this.#peek() >= 0) this.#malformed();
  }

  refuse(found: string, expected: string): never {
    throw new Problem({ what: this.#what, found, expected, todo: "The file is damaged; fetch it again." });
  }

  #items(open: number, close: number, item: () => void): void {
    this.#expect(open);
    if (++this.#depth > MAX_DEPTH)
      throw new Problem({ what: this.#what, found: "values nested deeper than four", expected: "a flat header" });
    if (this.#peek() === close) this.#at++;
    else {
      for (;;) {
        item();
        const byte = this.#peek();
        this.#at++;
        if (byte === close) break;
        if (byte !== COMMA) this.#malformed();
      }
    }
    this.#depth--;
  }

  /** The next byte that is no white space, not taken; -1 at the end. */
  #peek(): number {
    for (;;) {
      const byte = this.#bytes[this.#at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return byte ?? -1;
      this.#at++;
    }
  }

  #expect(byte: number): void {
    if (this.#peek() !== byte) this.#malformed();
    this.#at++;
  }

  /** A number's or a word's bytes. */
  #run(): string {
    this.#peek();
    const start = this.#at;
    while (this.#at - start < 400 && isRunByte(this.#bytes[this.#at])) this.#at++;
    return this.#text(start, this.#at);
  }

  #text(start: number, end: number): string {
    try {
      return decodeText(this.#bytes.subarray(start, end));
    } catch {
      return this.refuse("bytes that are no UTF-8", "JSON in UTF-8");
    }
  }

  #malformed(): never {
    return this.refuse(`text that is no JSON at byte ${this.#at}`, "JSON in UTF-8");
  }
}

/** Letters, digits, + - and . */
function isRunByte(byte: number | undefined): boolean {
  if (byte === undefined) return false;
  const small = byte | 0x20;
  return (
    (small >= 0x61 && small <= 0x7a) ||
    (byte >= 0x30 && byte <= 0x39) ||
    (byte >= 0x2b && byte <= 0x2e && byte !== COMMA)
  );
}
