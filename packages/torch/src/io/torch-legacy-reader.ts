import { Problem } from "../problem.js";
import { type ByteSource, chunksOf } from "./byte-source.js";
import { elementBytes, type StoredDtype } from "./dtypes.js";
import { checkSameStorage, readStorageId } from "./persistent-id.js";
import { StorageHandle } from "./pickle-globals.js";
import { readPickle } from "./pickle-reader.js";
import type { StorageRecord } from "./tensor-record.js";
import type { Tree, Tuple } from "./tree.js";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const PROTOCOL = 1001;
const DAMAGED = "The file is damaged or cut short; fetch or write it again.";

/**
 * Reads the form of `torch.save` from before 1.6 (later with `_use_new_zipfile_serialization=False`): pickles of a magic number, a protocol
 * version and the writer's machine, the pickle of the tree, one of the storages' keys, and then for each key its number of elements
 * (int64) and its bytes. Returns the same tree as `readTorchArchive`; the form has no checksums. Bytes behind the last storage are passed
 * over, as torch.load does. Reads no weights: where they lie stands in `record.storage.byteOffset`.
 */
export function readTorchLegacy(source: ByteSource): Tree {
  const storages = new LegacyStorages(source);
  const start = readPreamble(source);
  const what = `${source.label}, its pickle`;
  const tree = readPickle(source, { what, start, persistentLoad: (id) => storages.load(id) });
  const keys = readPlain(source, tree.end, "its list of storages");
  storages.place(keys.value, keys.end);
  return tree.value;
}

/** Checks what stands before the tree; returns where the tree begins. */
function readPreamble(source: ByteSource): number {
  const magic = readPlain(source, 0, "its magic number");
  if (magic.value !== MAGIC) throw refused(source, "another magic number", "PyTorch's");
  const protocol = readPlain(source, magic.end, "its protocol version");
  if (protocol.value !== PROTOCOL)
    throw refused(source, `protocol version ${String(protocol.value)}`, String(PROTOCOL));
  const machine = readPlain(source, protocol.end, "its machine");
  if (machine.value instanceof Map && machine.value.get("little_endian") === false) {
    throw new Problem({
      what: source.label,
      found: "a file of a big-endian machine",
      expected: "a little-endian one",
      todo: "Load and save it again on an x86 or ARM machine.",
    });
  }
  return machine.end;
}

/** A pickle beside the tree's: it names no storage. */
function readPlain(source: ByteSource, start: number, part: string): { value: Tree; end: number } {
  const what = `${source.label}, ${part}`;
  const persistentLoad = (): never => {
    throw new Problem({ what, found: "a storage", expected: "plain values" });
  };
  return readPickle(source, { what, start, persistentLoad });
}

/** A storage whose place in the file is known only after the whole tree was read. */
class LegacyStorage implements StorageRecord {
  readonly dtype: StoredDtype;
  readonly byteLength: number;
  readonly source: ByteSource;
  byteOffset: number | undefined;

  constructor(source: ByteSource, dtype: StoredDtype, byteLength: number) {
    this.source = source;
    this.dtype = dtype;
    this.byteLength = byteLength;
  }

  chunks(): Iterable<Uint8Array> {
    if (this.byteOffset === undefined) throw new Error("a storage is read before its place is known");
    return chunksOf(this.source, this.byteOffset, this.byteLength);
  }
}

class LegacyStorages {
  readonly #source: ByteSource;
  readonly #known = new Map<string, LegacyStorage>();
  #claimed = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  load(persistentId: Tuple): StorageHandle {
    const { label } = this.#source;
    const id = readStorageId(persistentId, label);
    let storage = this.#known.get(id.key);
    if (storage === undefined) {
      storage = new LegacyStorage(this.#source, id.dtype, id.byteLength);
      this.#claim(id.byteLength);
      this.#known.set(id.key, storage);
    }
    checkSameStorage(storage, id, label);
    return new StorageHandle(storage, `storage "${id.key}"`, id.view);
  }

  /** Refuses more bytes than the file has as soon as they are named. */
  #claim(byteLength: number): void {
    this.#claimed += 8 + byteLength;
    if (this.#claimed <= this.#source.size) return;
    throw refused(this.#source, `storages of ${this.#claimed} bytes or more in ${this.#source.size}`, "a whole file");
  }

  /** Walks over the storages, which stand in the order of `keys` from `start` on, and notes where each begins. */
  place(keys: Tree, start: number): void {
    const source = this.#source;
    if (!Array.isArray(keys)) throw refused(source, "a list of storages that is no list", "their keys");
    let at = start;
    for (const key of keys as readonly unknown[]) {
      const storage = typeof key === "string" ? this.#known.get(key) : undefined;
      if (storage === undefined) throw refused(source, "the bytes of a storage that no tensor has", "used ones only");
      if (storage.byteOffset !== undefined) throw refused(source, `storage ${JSON.stringify(key)} twice`, "each once");
      const head = source.read(at, 8);
      const numel = new DataView(head.buffer, head.byteOffset, 8).getBigInt64(0, true);
      const expected = storage.byteLength / elementBytes(storage.dtype);
      if (numel !== BigInt(expected))
        throw refused(source, `storage "${key}" with ${numel} elements`, String(expected));
      storage.byteOffset = at + 8;
      at += 8 + storage.byteLength;
      if (at > source.size)
        throw refused(source, `storage "${key}" reaching to byte ${at} of ${source.size}`, "a whole file");
    }
    for (const [key, { byteOffset }] of this.#known)
      if (byteOffset === undefined)
        throw refused(source, `no bytes for storage ${JSON.stringify(key)}`, "those of each");
  }
}

function refused(source: ByteSource, found: string, expected: string): Problem {
  return new Problem({ what: source.label, found, expected, todo: DAMAGED });
}
