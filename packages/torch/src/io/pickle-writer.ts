import { Problem } from "../problem.js";
import { MemorySink } from "./byte-sink.js";
import { elementBytes, storageClass } from "./dtypes.js";
import { Op } from "./pickle-opcodes.js";
import { type StorageRecord, TensorRecord } from "./tensor-record.js";
import { definedEntries, isPlainObject, MAX_DEPTH, TorchLiteral, Tuple, type WritableTree } from "./tree.js";

/**
 * The tree as a pickle of protocol 2, in the opcodes and globals that `torch.load(weights_only=True)` knows (floats from torch 2.0 on: the
 * restricted reader of 1.13 does not know them yet; dictionaries of tensors, integers and text load everywhere).
 * @param keyOf the archive's key of a storage, "0", "1", …: asked once for every tensor in order
 */
export function writePickle(tree: WritableTree, keyOf: (storage: StorageRecord) => string): Uint8Array {
  const writer = new PickleWriter(keyOf);
  writer.write(tree, "", 0);
  return writer.finish();
}

class PickleWriter {
  readonly #out = new MemorySink();
  readonly #keyOf: (storage: StorageRecord) => string;
  readonly #memo = new Map<string, number>();

  constructor(keyOf: (storage: StorageRecord) => string) {
    this.#keyOf = keyOf;
    this.#op(Op.PROTO, 2);
  }

  finish(): Uint8Array {
    this.#op(Op.STOP);
    return this.#out.bytes();
  }

  /** `path` is where in the tree the value stands, for errors: `optimizer.state.0`. */
  write(value: unknown, path: string, depth: number): void {
    if (depth > MAX_DEPTH) {
      throw refused(path, `containers nested deeper than ${MAX_DEPTH}, or one that holds itself`, "a flatter tree");
    }
    if (value === null) this.#op(Op.NONE);
    else if (typeof value === "boolean") this.#op(value ? Op.NEWTRUE : Op.NEWFALSE);
    else if (typeof value === "number") this.#number(value);
    else if (typeof value === "bigint") this.#long(value, path);
    else if (typeof value === "string") this.#text(value, path);
    else if (value instanceof TensorRecord) this.#tensor(value);
    else if (value instanceof Uint8Array) this.#bytesValue(value);
    else if (value instanceof TorchLiteral) this.#literal(value);
    else if (value instanceof Map) this.#dictionary([...value], path, depth);
    else if (value instanceof Set) this.#set(value, path, depth);
    else if (value instanceof Tuple) this.#tuple(value, path, depth);
    else if (Array.isArray(value)) this.#list(value, path, depth);
    else if (isPlainObject(value)) this.#dictionary(definedEntries(value), path, depth);
    else throw refused(path, kindOf(value), "tensors, plain containers, numbers, text, booleans, null or bytes");
  }

  #number(value: number): void {
    if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      this.#op(Op.BINFLOAT, ...bytes);
    } else if (value >= 0 && value < 256) {
      this.#op(Op.BININT1, value);
    } else if (value === (value | 0)) {
      this.#op(Op.BININT);
      this.#i32(value);
    } else {
      this.#long(BigInt(value), "");
    }
  }

  #long(value: bigint, path: string): void {
    let length = 1;
    while (BigInt.asIntN(length * 8, value) !== value) length++;
    if (length > 255) throw refused(path, `a whole number of ${length} bytes`, "at most 255 bytes");
    const hex = BigInt.asUintN(length * 8, value)
      .toString(16)
      .padStart(length * 2, "0");
    this.#op(Op.LONG1, length, ...Buffer.from(hex, "hex").reverse());
  }

  #text(value: string, path: string): void {
    const bytes = Buffer.from(value);
    if (bytes.toString() !== value) throw refused(path, "text with half a surrogate pair", "well-formed text");
    this.#op(Op.BINUNICODE);
    this.#i32(bytes.length);
    this.#out.write(bytes);
  }

  /** Protocol 2 has no bytes of its own: Python writes _codecs.encode(text, "latin1"), and so does this. */
  #bytesValue(value: Uint8Array): void {
    this.#global("_codecs", "encode");
    this.#text(Buffer.from(value).toString("latin1"), "");
    this.#text("latin1", "");
    this.#op(Op.TUPLE2);
    this.#op(Op.REDUCE);
  }

  #literal({ kind, text }: TorchLiteral): void {
    this.#global("torch", kind === "dtype" ? text : "device");
    if (kind === "dtype") return;
    this.#text(text, "");
    this.#op(Op.TUPLE1);
    this.#op(Op.REDUCE);
  }

  #dictionary(entries: readonly (readonly [unknown, unknown])[], path: string, depth: number): void {
    this.#op(Op.EMPTY_DICT);
    this.#op(Op.MARK);
    for (const [key, value] of entries) {
      const here = path === "" ? String(key) : `${path}.${String(key)}`;
      if (typeof key === "object" && key !== null)
        throw refused(here, "an object as a key", "text, a number, a boolean or null");
      this.write(key, here, depth + 1);
      this.write(value, here, depth + 1);
    }
    this.#op(Op.SETITEMS);
  }

  #list(items: readonly unknown[], path: string, depth: number): void {
    this.#op(Op.EMPTY_LIST);
    this.#op(Op.MARK);
    this.#items(items, path, depth);
    this.#op(Op.APPENDS);
  }

  #tuple(items: readonly unknown[], path: string, depth: number): void {
    this.#op(Op.MARK);
    this.#items(items, path, depth);
    this.#op(Op.TUPLE);
  }

  #set(set: ReadonlySet<unknown>, path: string, depth: number): void {
    const items = [...set];
    if (items.some((item) => typeof item === "object" && item !== null)) {
      throw refused(path, "a set of objects", "a set of text, numbers, booleans or null");
    }
    this.#global("__builtin__", "set");
    this.#list(items, path, depth);
    this.#op(Op.TUPLE1);
    this.#op(Op.REDUCE);
  }

  #items(items: readonly unknown[], path: string, depth: number): void {
    for (const [index, item] of items.entries()) this.write(item, `${path}[${index}]`, depth + 1);
  }

  /** torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks), wrapped for a parameter. */
  #tensor(record: TensorRecord): void {
    if (record.parameter) {
      this.#global("torch._utils", "_rebuild_parameter");
      this.#op(Op.MARK);
    }
    this.#global("torch._utils", "_rebuild_tensor_v2");
    this.#op(Op.MARK);
    this.#storage(record.storage);
    this.#number(record.offset);
    this.#tuple(record.shape, "", 0);
    this.#tuple(record.stride, "", 0);
    this.#op(record.requiresGrad && !record.parameter ? Op.NEWTRUE : Op.NEWFALSE);
    this.#noHooks();
    this.#op(Op.TUPLE);
    this.#op(Op.REDUCE);
    if (!record.parameter) return;
    this.#op(record.requiresGrad ? Op.NEWTRUE : Op.NEWFALSE);
    this.#noHooks();
    this.#op(Op.TUPLE);
    this.#op(Op.REDUCE);
  }

  #storage(storage: StorageRecord): void {
    this.#op(Op.MARK);
    this.#text("storage", "");
    this.#global("torch", storageClass(storage.dtype));
    this.#text(this.#keyOf(storage), "");
    this.#text("cpu", "");
    this.#number(storage.byteLength / elementBytes(storage.dtype));
    this.#op(Op.TUPLE);
    this.#op(Op.BINPERSID);
  }

  #noHooks(): void {
    this.#global("collections", "OrderedDict");
    this.#op(Op.EMPTY_TUPLE);
    this.#op(Op.REDUCE);
  }

  #global(module: string, name: string): void {
    const line = `${module}\n${name}\n`;
    const known = this.#memo.get(line);
    if (known !== undefined) {
      this.#op(Op.BINGET, known);
      return;
    }
    const index = this.#memo.size; // a few dozen at most, so one byte counts them
    this.#memo.set(line, index);
    this.#op(Op.GLOBAL, ...Buffer.from(line));
    this.#op(Op.BINPUT, index);
  }

  #op(...bytes: number[]): void {
    this.#out.write(Uint8Array.from(bytes));
  }

  #i32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    this.#out.write(bytes);
  }
}

function kindOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return `a value of type ${typeof value}`;
  return `an object of class ${value.constructor?.name ?? "unknown"}`;
}

function refused(path: string, found: string, expected: string): Problem {
  return new Problem({ what: `saving a checkpoint, key "${path}"`, found, expected });
}
