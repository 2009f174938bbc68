import { Problem } from "../problem.js";

/**
 * Memory that one pickle may take, in bytes as `cost` estimates them. A training checkpoint of 10 000 parameters with Adam's state takes
 * nine tenths of it, SAM's largest model a sixtieth.
 */
const MAX_BYTES = 64 << 20;
/** Values waiting on the stack: Python writes lists and dictionaries in batches of a thousand, but a tuple at once. */
const MAX_STACK = 1_000_000;
const MARK = Symbol("mark");

/** The stack, marks included, and the memo of the pickle machine. Whatever grows is counted, so that a small file cannot take much memory. */
export class PickleStack {
  readonly #what: string;
  readonly #values: unknown[] = [];
  readonly #marks: number[] = [];
  /** The memo: Python numbers it from 0 on, so that an array does; what is numbered otherwise stands apart. */
  readonly #memo: unknown[] = [];
  readonly #farMemo = new Map<number, unknown>();
  #bytes = 0;

  /** @param what how errors name the pickle */
  constructor(what: string) {
    this.#what = what;
  }

  push(value: unknown): true {
    if (this.#values.length >= MAX_STACK) this.refuse(`more than ${MAX_STACK} values at once`, "fewer");
    this.#values.push(value);
    return true;
  }

  /** Pushes a value just made, and counts what it takes. */
  make(value: unknown): true {
    this.spend(cost(value));
    return this.push(value);
  }

  pop(): unknown {
    const value = this.top();
    this.#values.pop();
    return value;
  }

  top(): unknown {
    const value = this.#values[this.#values.length - 1];
    if (value === MARK || this.#values.length === 0) this.#underflow();
    return value;
  }

  mark(): true {
    this.#marks.push(this.#values.length);
    return this.push(MARK);
  }

  /** Takes one value away, a mark as well. */
  drop(): true {
    if (this.#values.length === 0) this.#underflow();
    if (this.#values.pop() === MARK) this.#marks.pop();
    return true;
  }

  /** Everything above the topmost mark, taken away together with it. */
  popMark(): unknown[] {
    const at = this.#marks.pop();
    if (at === undefined) return this.#underflow();
    const items = this.#values.splice(at + 1);
    this.#values.pop();
    return items;
  }

  /** Notes the topmost value under a number; without one, under the next. */
  remember(index = this.#memo.length + this.#farMemo.size): true {
    const value = this.top();
    if (index < this.#memo.length) this.#memo[index] = value;
    else if (index === this.#memo.length) this.#memo.push(value);
    else this.#farMemo.set(index, value);
    this.spend(index < this.#memo.length ? 24 : 64);
    return true;
  }

  recall(index: number): true {
    const value = index < this.#memo.length ? this.#memo[index] : this.#farMemo.get(index);
    if (value === undefined) this.refuse(`memo ${index} before it was made`, "a pickle in order");
    return this.push(value);
  }

  spend(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > MAX_BYTES) this.refuse("containers without end", `at most ${MAX_BYTES >> 20} MB of them`);
  }

  refuse(found: string, expected: string): never {
    throw new Problem({ what: this.#what, found, expected, todo: "It is damaged or no checkpoint of weights." });
  }

  #underflow(): never {
    return this.refuse("a pickle that takes more than it has made", "a pickle in order");
  }
}

/** Bytes of a value when it is made, about as V8 keeps it; containers made before and named again cost nothing more. */
function cost(value: unknown): number {
  if (Array.isArray(value)) return 48 + 8 * value.length;
  if (value instanceof Map || value instanceof Set) return 200 + 40 * value.size;
  if (value instanceof Uint8Array) return 200 + value.length;
  if (typeof value === "string") return 24 + 2 * value.length;
  if (typeof value === "bigint") return 1024;
  return typeof value === "object" && value !== null ? 300 : 16;
}
