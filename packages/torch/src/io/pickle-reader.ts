import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";
import { PickleBytes } from "./pickle-bytes.js";
import { AllowedGlobal, findGlobal, NEWABLE, type StorageHandle, setState } from "./pickle-globals.js";
import { arraysAsTensors, NumpyArray } from "./pickle-numpy.js";
import { Op } from "./pickle-opcodes.js";
import { PickleStack } from "./pickle-stack.js";
import { checkTree, describeValue } from "./pickle-tree.js";
import { type Tree, type TreeKey, Tuple, tupleOf } from "./tree.js";

export interface PickleOptions {
  /** How errors name the pickle. */
  readonly what: string;
  /** The storage that a persistent id, such as ("storage", class, key, location, numel), stands for. */
  readonly persistentLoad: (id: Tuple) => StorageHandle;
  /** Where in the source the pickle begins: the older form of torch.save puts several behind each other. */
  readonly start?: number;
}

/**
 * Reads one pickle of protocol 2 to 5 without running anything: containers, numbers, text, bytes and tensors, nothing else. A pickle that
 * names any other global is refused with that name, at the moment it names it.
 * @returns the value, and the position after the pickle's last byte
 */
export function readPickle(source: ByteSource, options: PickleOptions): { value: Tree; end: number } {
  const machine = new PickleMachine(source, options);
  const value = machine.run();
  checkTree(value, options.what);
  return { value: machine.madeArrays ? arraysAsTensors(value) : (value as Tree), end: machine.end };
}

/** Opcodes of one pickle: two million are those of 10 000 parameters with their optimizer's state. */
const MAX_STEPS = 10_000_000;

/** The stack machine: one opcode after the other, nothing here recurses. */
class PickleMachine {
  readonly #input: PickleBytes;
  readonly #what: string;
  readonly #persistentLoad: (id: Tuple) => StorageHandle;
  readonly #stack: PickleStack;
  #madeArrays = false;

  constructor(source: ByteSource, { what, persistentLoad, start = 0 }: PickleOptions) {
    this.#input = new PickleBytes(source, start, what);
    this.#stack = new PickleStack(what);
    this.#what = what;
    this.#persistentLoad = persistentLoad;
  }

  get end(): number {
    return this.#input.position;
  }

  get madeArrays(): boolean {
    return this.#madeArrays;
  }

  run(): unknown {
    for (let step = 0; step < MAX_STEPS; step++) {
      const op = this.#input.u8();
      if (op === Op.STOP) return this.#stack.pop();
      if (!this.#scalar(op) && !this.#container(op) && !this.#object(op)) {
        const at = this.#input.position - 1;
        this.#refuse(`pickle opcode 0x${op.toString(16)} at byte ${at}`, "those of a state dict saved by torch.save");
      }
    }
    return this.#refuse(`more than ${MAX_STEPS} opcodes`, "a state dict's, which are far fewer");
  }

  /** Numbers, text, bytes, the memo and the frame marks. */
  #scalar(op: number): boolean {
    const input = this.#input;
    const stack = this.#stack;
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
        return stack.push(null);
      case Op.NEWTRUE:
        return stack.push(true);
      case Op.NEWFALSE:
        return stack.push(false);
      case Op.BININT:
        return stack.push(input.i32());
      case Op.BININT1:
        return stack.push(input.u8());
      case Op.BININT2:
        return stack.push(input.u16());
      case Op.LONG1:
        return stack.make(input.long(input.u8()));
      case Op.LONG4:
        return stack.make(input.long(input.u32()));
      case Op.BINFLOAT:
        return stack.make(input.f64BigEndian());
      case Op.BINUNICODE:
        return stack.make(input.text(input.u32()));
      case Op.SHORT_BINUNICODE:
        return stack.make(input.text(input.u8()));
      case Op.BINUNICODE8:
        return stack.make(input.text(input.length8()));
      case Op.SHORT_BINSTRING: // Python 2's str: text in every checkpoint seen
        return stack.make(input.text(input.u8()));
      case Op.BINSTRING:
        return stack.make(input.text(input.u32()));
      case Op.BINBYTES:
        return stack.make(input.take(input.u32()).slice());
      case Op.SHORT_BINBYTES:
        return stack.make(input.take(input.u8()).slice());
      case Op.BINBYTES8:
      case Op.BYTEARRAY8:
        return stack.make(input.take(input.length8()).slice());
      case Op.BINPUT:
        return stack.remember(input.u8());
      case Op.LONG_BINPUT:
        return stack.remember(input.u32());
      case Op.MEMOIZE:
        return stack.remember();
      case Op.BINGET:
        return stack.recall(input.u8());
      case Op.LONG_BINGET:
        return stack.recall(input.u32());
      default:
        return false;
    }
  }

  #container(op: number): boolean {
    const stack = this.#stack;
    switch (op) {
      case Op.MARK:
        return stack.mark();
      case Op.POP:
        return stack.drop();
      case Op.POP_MARK:
        stack.popMark();
        return true;
      case Op.DUP:
        return stack.push(stack.top());
      case Op.EMPTY_LIST:
        return stack.make([]);
      case Op.EMPTY_DICT:
        return stack.make(new Map());
      case Op.EMPTY_SET:
        return stack.make(new Set());
      case Op.EMPTY_TUPLE:
        return stack.make(new Tuple());
      case Op.TUPLE1:
        return stack.make(this.#tuple(1));
      case Op.TUPLE2:
        return stack.make(this.#tuple(2));
      case Op.TUPLE3:
        return stack.make(this.#tuple(3));
      case Op.TUPLE:
        return stack.make(tupleOf(stack.popMark()));
      case Op.LIST:
        return stack.make(stack.popMark());
      case Op.DICT: {
        const items = stack.popMark();
        return stack.make(this.#setItems(new Map(), items));
      }
      case Op.APPEND:
        return this.#append([stack.pop()]);
      case Op.APPENDS:
        return this.#append(stack.popMark());
      case Op.ADDITEMS: {
        const items = stack.popMark();
        const set = stack.top();
        if (!(set instanceof Set)) return this.#refuse("items added to something but a set", "a set");
        stack.spend(40 * items.length);
        for (const item of items) set.add(this.#key(item));
        return true;
      }
      case Op.SETITEM: {
        const value = stack.pop();
        const key = stack.pop();
        this.#setItems(stack.top(), [key, value]);
        return true;
      }
      case Op.SETITEMS: {
        const items = stack.popMark();
        this.#setItems(stack.top(), items);
        return true;
      }
      default:
        return false;
    }
  }

  /** Everything that names a global, and tensors. */
  #object(op: number): boolean {
    const stack = this.#stack;
    switch (op) {
      case Op.GLOBAL: {
        const module = this.#input.line();
        return this.#pushGlobal(module, this.#input.line());
      }
      case Op.STACK_GLOBAL: {
        const name = stack.pop();
        const module = stack.pop();
        if (typeof name !== "string" || typeof module !== "string")
          return this.#refuse("a global without a name", "two names");
        return this.#pushGlobal(module, name);
      }
      case Op.REDUCE: {
        const args = stack.pop();
        return this.#call(stack.pop(), args);
      }
      case Op.NEWOBJ: {
        const args = stack.pop();
        const type = stack.pop();
        if (!(type instanceof AllowedGlobal) || !NEWABLE.has(type.name))
          return this.#refuse(`a new object of ${describeValue(type)}`, "one of a Namespace");
        return this.#call(type, args);
      }
      case Op.INST: // protocol 0's call of a class: no torch.save writes it, so that it is here for the name in the refusal only
        this.#pushGlobal(this.#input.line(), this.#input.line());
        return this.#refuse(`a call of ${describeValue(stack.pop())} by its name`, "one of what was made before");
      case Op.BUILD: {
        const state = stack.pop();
        if (!setState(stack.top(), state, this.#what))
          return this.#refuse(`a state set on ${describeValue(stack.top())}`, "one on an OrderedDict or a Namespace");
        this.#countBytes(stack.top());
        return true;
      }
      case Op.BINPERSID: {
        const id = stack.pop();
        if (!(id instanceof Tuple)) return this.#refuse(`a persistent id that is ${describeValue(id)}`, "a tuple");
        return stack.make(this.#persistentLoad(id));
      }
      default:
        return false;
    }
  }

  #pushGlobal(module: string, name: string): boolean {
    const known = findGlobal(module, name);
    if (known !== undefined) return this.#stack.push(known);
    throw new Problem({
      what: this.#what,
      found: `a pickle that asks for ${JSON.stringify(`${module}.${name}`)}`,
      expected: "tensors and plain containers only",
      todo: 'Nothing of it was run. If you trust the file, open it in Python and save its state dict alone: torch.save(model.state_dict(), "weights.pth").',
    });
  }

  #call(callee: unknown, args: unknown): true {
    if (!(callee instanceof AllowedGlobal) || !(args instanceof Tuple))
      return this.#refuse(`a call of ${describeValue(callee)}`, "a call of a tensor's or a container's constructor");
    const made = callee.call(args, this.#what);
    this.#countBytes(made);
    return this.#stack.make(made);
  }

  /** Each NumPy array becomes a tensor in memory of its own, however often the same bytes are named. */
  #countBytes(value: unknown): void {
    if (!(value instanceof NumpyArray)) return;
    this.#madeArrays = true;
    this.#stack.spend(value.byteLength);
  }

  #setItems(target: unknown, items: readonly unknown[]): unknown {
    if (!(target instanceof Map)) return this.#refuse(`an item set on ${describeValue(target)}`, "one on a dictionary");
    if (items.length % 2 !== 0) this.#refuse("a key without a value", "pairs");
    this.#stack.spend(20 * items.length);
    for (let i = 0; i < items.length; i += 2) target.set(this.#key(items[i]), items[i + 1]);
    return target;
  }

  #key(value: unknown): TreeKey {
    if (value === null || ["string", "number", "bigint", "boolean"].includes(typeof value)) return value as TreeKey;
    return this.#refuse(`${describeValue(value)} as a dictionary's key`, "a string, number, boolean or None");
  }

  #tuple(size: number): Tuple {
    const items: unknown[] = [];
    for (let i = 0; i < size; i++) items.unshift(this.#stack.pop());
    return tupleOf(items);
  }

  #append(items: readonly unknown[]): true {
    const list = this.#stack.top();
    if (!Array.isArray(list) || list instanceof Tuple)
      return this.#refuse(`an item added to ${describeValue(list)}`, "one added to a list");
    this.#stack.spend(8 * items.length);
    for (const item of items) list.push(item);
    return true;
  }

  #refuse(found: string, expected: string): never {
    return this.#stack.refuse(found, expected);
  }
}
