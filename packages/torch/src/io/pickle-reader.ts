import { Problem } from "../problem.js";
import { PickleBytes } from "./pickle-bytes.js";
import { AllowedGlobal, findGlobal, type StorageHandle } from "./pickle-globals.js";
import { Op } from "./pickle-opcodes.js";
import { checkTree, describeValue } from "./pickle-tree.js";
import { type Tree, type TreeKey, Tuple, tupleOf } from "./tree.js";

export interface PickleOptions {
  /** How errors name the pickle. */
  readonly what: string;
  /** The storage that a persistent id, such as ("storage", class, key, location, numel), stands for. */
  readonly persistentLoad: (id: Tuple) => StorageHandle;
  /** Where in `bytes` the pickle begins: the older form of torch.save puts several behind each other. */
  readonly start?: number;
}

/** Bound on what a pickle may build, in slots of about 8 bytes; a training checkpoint of 100 000 parameters needs half of it. */
const MAX_SLOTS = 20_000_000;
const MARK = Symbol("mark");

/**
 * Reads one pickle of protocol 2 to 5 without running anything: containers, numbers, text, bytes and tensors, nothing else. A pickle that
 * names any other global is refused with that name, at the moment it names it.
 * @returns the value, and the position after the pickle's last byte
 */
export function readPickle(bytes: Uint8Array, options: PickleOptions): { value: Tree; end: number } {
  const machine = new PickleMachine(bytes, options);
  const value = machine.run();
  checkTree(value, options.what);
  return { value: value as Tree, end: machine.end };
}

/** The stack machine. One array serves as stack, marks included; nothing here recurses. */
class PickleMachine {
  readonly #input: PickleBytes;
  readonly #what: string;
  readonly #persistentLoad: (id: Tuple) => StorageHandle;
  readonly #stack: unknown[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, unknown>();
  #slots = 0;

  constructor(bytes: Uint8Array, { what, persistentLoad, start = 0 }: PickleOptions) {
    this.#input = new PickleBytes(bytes, start, what);
    this.#what = what;
    this.#persistentLoad = persistentLoad;
  }

  get end(): number {
    return this.#input.position;
  }

  run(): unknown {
    for (;;) {
      const op = this.#input.u8();
      if (op === Op.STOP) return this.#pop();
      if (!this.#scalar(op) && !this.#container(op) && !this.#object(op)) {
        const at = this.#input.position - 1;
        this.#refuse(`pickle opcode 0x${op.toString(16)} at byte ${at}`, "those of a state dict saved by torch.save");
      }
    }
  }

  /** Numbers, text, bytes, the memo and the frame marks. */
  #scalar(op: number): boolean {
    const input = this.#input;
    switch (op) {
      case Op.PROTO: {
        const version = input.u8();
        if (version > 5) this.#refuse(`pickle protocol ${version}`, "2 to 5");
        return true;
      }
      case Op.FRAME:
        input.length8();
        return true;
      case Op.NONE:
        return this.#push(null);
      case Op.NEWTRUE:
        return this.#push(true);
      case Op.NEWFALSE:
        return this.#push(false);
      case Op.BININT:
        return this.#push(input.i32());
      case Op.BININT1:
        return this.#push(input.u8());
      case Op.BININT2:
        return this.#push(input.u16());
      case Op.LONG1:
        return this.#push(input.long(input.u8()));
      case Op.LONG4:
        return this.#push(input.long(input.u32()));
      case Op.BINFLOAT:
        return this.#push(input.f64BigEndian());
      case Op.BINUNICODE:
        return this.#push(input.text(input.u32()));
      case Op.SHORT_BINUNICODE:
        return this.#push(input.text(input.u8()));
      case Op.BINUNICODE8:
        return this.#push(input.text(input.length8()));
      case Op.SHORT_BINSTRING: // Python 2's str: text in every checkpoint seen
        return this.#push(input.text(input.u8()));
      case Op.BINSTRING:
        return this.#push(input.text(input.u32()));
      case Op.BINBYTES:
        return this.#push(this.#made(input.take(input.u32()).slice()));
      case Op.SHORT_BINBYTES:
        return this.#push(this.#made(input.take(input.u8()).slice()));
      case Op.BINBYTES8:
        return this.#push(this.#made(input.take(input.length8()).slice()));
      case Op.BINPUT:
        return this.#remember(input.u8());
      case Op.LONG_BINPUT:
        return this.#remember(input.u32());
      case Op.MEMOIZE:
        return this.#remember(this.#memo.size);
      case Op.BINGET:
        return this.#recall(input.u8());
      case Op.LONG_BINGET:
        return this.#recall(input.u32());
      default:
        return false;
    }
  }

  #container(op: number): boolean {
    switch (op) {
      case Op.MARK:
        this.#marks.push(this.#stack.length);
        return this.#push(MARK);
      case Op.POP:
        if (this.#stack.at(-1) === MARK) this.#marks.pop();
        if (this.#stack.length === 0) this.#underflow();
        this.#stack.pop();
        return true;
      case Op.POP_MARK:
        this.#popMark();
        return true;
      case Op.DUP:
        return this.#push(this.#top());
      case Op.EMPTY_LIST:
        return this.#push(this.#made([]));
      case Op.EMPTY_DICT:
        return this.#push(this.#made(new Map()));
      case Op.EMPTY_SET:
        return this.#push(this.#made(new Set()));
      case Op.EMPTY_TUPLE:
        return this.#push(this.#made(new Tuple()));
      case Op.TUPLE1:
        return this.#push(this.#tuple(1));
      case Op.TUPLE2:
        return this.#push(this.#tuple(2));
      case Op.TUPLE3:
        return this.#push(this.#tuple(3));
      case Op.TUPLE:
        return this.#push(this.#made(tupleOf(this.#popMark())));
      case Op.LIST:
        return this.#push(this.#made(this.#popMark()));
      case Op.DICT: {
        const items = this.#popMark();
        return this.#push(this.#setItems(this.#made(new Map()), items));
      }
      case Op.APPEND: {
        const item = this.#pop();
        this.#listOnTop().push(item);
        return true;
      }
      case Op.APPENDS: {
        const items = this.#popMark();
        const list = this.#listOnTop();
        for (const item of items) list.push(item);
        return true;
      }
      case Op.ADDITEMS: {
        const items = this.#popMark();
        const set = this.#top();
        if (!(set instanceof Set)) return this.#refuse("items added to something but a set", "a set");
        for (const item of items) set.add(this.#key(item));
        return true;
      }
      case Op.SETITEM: {
        const value = this.#pop();
        const key = this.#pop();
        this.#setItems(this.#top(), [key, value]);
        return true;
      }
      case Op.SETITEMS: {
        const items = this.#popMark();
        this.#setItems(this.#top(), items);
        return true;
      }
      default:
        return false;
    }
  }

  /** Everything that names a global, and tensors. */
  #object(op: number): boolean {
    switch (op) {
      case Op.GLOBAL: {
        const module = this.#input.line();
        return this.#pushGlobal(module, this.#input.line());
      }
      case Op.STACK_GLOBAL: {
        const name = this.#pop();
        const module = this.#pop();
        if (typeof name !== "string" || typeof module !== "string")
          return this.#refuse("a global without a name", "two names");
        return this.#pushGlobal(module, name);
      }
      case Op.REDUCE: {
        const args = this.#pop();
        const callee = this.#pop();
        if (!(callee instanceof AllowedGlobal) || !(args instanceof Tuple)) {
          return this.#refuse(
            `a call of ${describeValue(callee)}`,
            "a call of a tensor's or a container's constructor",
          );
        }
        return this.#push(this.#made(callee.call(args, this.#what)));
      }
      case Op.BUILD: {
        const state = this.#pop();
        // An OrderedDict's attributes: a state dict's `_metadata`, the version of each module's layout. Nothing here reads it.
        if (!(this.#top() instanceof Map) || !(state instanceof Map)) {
          return this.#refuse(`a state set on ${describeValue(this.#top())}`, "one on an OrderedDict only");
        }
        return true;
      }
      case Op.BINPERSID: {
        const id = this.#pop();
        if (!(id instanceof Tuple)) return this.#refuse(`a persistent id that is ${describeValue(id)}`, "a tuple");
        return this.#push(this.#persistentLoad(id));
      }
      default:
        return false;
    }
  }

  #pushGlobal(module: string, name: string): boolean {
    const known = findGlobal(module, name);
    if (known !== undefined) return this.#push(known);
    throw new Problem({
      what: this.#what,
      found: `a pickle that asks for ${JSON.stringify(`${module}.${name}`)}`,
      expected: "tensors and plain containers only",
      todo: 'Nothing of it was run. If you trust the file, open it in Python and save its state dict alone: torch.save(model.state_dict(), "weights.pth").',
    });
  }

  #setItems(target: unknown, items: readonly unknown[]): unknown {
    if (!(target instanceof Map)) return this.#refuse(`an item set on ${describeValue(target)}`, "one on a dictionary");
    if (items.length % 2 !== 0) this.#refuse("a key without a value", "pairs");
    for (let i = 0; i < items.length; i += 2) target.set(this.#key(items[i]), items[i + 1]);
    return target;
  }

  #key(value: unknown): TreeKey {
    if (value === null || ["string", "number", "bigint", "boolean"].includes(typeof value)) return value as TreeKey;
    return this.#refuse(`${describeValue(value)} as a dictionary's key`, "a string, number, boolean or None");
  }

  #tuple(size: number): Tuple {
    const items: unknown[] = [];
    for (let i = 0; i < size; i++) items.unshift(this.#pop());
    return this.#made(tupleOf(items));
  }

  #listOnTop(): unknown[] {
    const list = this.#top();
    if (!Array.isArray(list) || list instanceof Tuple)
      return this.#refuse(`an item added to ${describeValue(list)}`, "one added to a list");
    return list;
  }

  #push(value: unknown): true {
    this.#stack.push(value);
    return true;
  }

  #pop(): unknown {
    const value = this.#top();
    this.#stack.pop();
    return value;
  }

  #top(): unknown {
    if (this.#stack.length === 0) this.#underflow();
    const value = this.#stack[this.#stack.length - 1];
    if (value === MARK) this.#underflow();
    return value;
  }

  #popMark(): unknown[] {
    const at = this.#marks.pop();
    if (at === undefined) return this.#underflow();
    const items = this.#stack.splice(at);
    items.shift();
    return items;
  }

  #remember(index: number): true {
    this.#memo.set(index, this.#top());
    return true;
  }

  #recall(index: number): true {
    const value = this.#memo.get(index);
    if (value === undefined) this.#refuse(`memo ${index} before it was made`, "a pickle in order");
    return this.#push(value);
  }

  #made<T>(value: T): T {
    this.#slots += slotsOf(value);
    if (this.#slots > MAX_SLOTS) this.#refuse("containers without end", `at most ${MAX_SLOTS} values in them`);
    return value;
  }

  #underflow(): never {
    return this.#refuse("a pickle that takes more than it has made", "a pickle in order");
  }

  #refuse(found: string, expected: string): never {
    throw new Problem({ what: this.#what, found, expected, todo: "It is damaged or no checkpoint of weights." });
  }
}

/** Counted when a value is made, so that a long list named again and again in a few bytes cannot multiply. */
function slotsOf(value: unknown): number {
  if (Array.isArray(value)) return 1 + value.length;
  if (value instanceof Map || value instanceof Set) return 8 + 4 * value.size;
  if (value instanceof Uint8Array) return 8 + value.length / 8;
  return 4;
}
