import { Problem } from "../problem.js";
import { type ByteSource, chunksOf, SliceSource } from "./byte-source.js";
import { checkSameStorage, readStorageId, type StorageId } from "./persistent-id.js";
import { MAX_PICKLE_BYTES } from "./pickle-bytes.js";
import { StorageHandle } from "./pickle-globals.js";
import { readPickle } from "./pickle-reader.js";
import type { StorageRecord } from "./tensor-record.js";
import type { Tree, Tuple } from "./tree.js";
import { readEntry, readZipDirectory, verifyEntry, type ZipEntry } from "./zip-reader.js";

export interface ArchiveOptions {
  /** Compare every storage with its CRC-32, which reads the whole file once. Default true. */
  readonly verify?: boolean;
}

/**
 * Reads what `torch.save` wrote in its zip form: `<name>/data.pkl` and one stored entry `<name>/data/<key>` for each storage. Returns the
 * tree with a `TensorRecord` at each tensor; tensors that share a storage share its record. Reads no weights beyond the check of
 * their CRC-32: where they lie in the file stands in `record.storage.byteOffset`.
 */
export function readTorchArchive(source: ByteSource, { verify = true }: ArchiveOptions = {}): Tree {
  const entries = readZipDirectory(source);
  const { root, pickle } = findPickle(source, entries);
  checkByteOrder(source, entries.get(`${root}/byteorder`));
  const storages = new StorageTable(source, `${root}/data/`, entries, verify);
  const what = `${source.label}, entry "${pickle.name}"`;
  verifyEntry(source, pickle);
  return readPickle(new SliceSource(source, pickle.byteOffset, pickle.byteLength), {
    what,
    persistentLoad: (id) => storages.load(id),
  }).value;
}

function findPickle(source: ByteSource, entries: ReadonlyMap<string, ZipEntry>): { root: string; pickle: ZipEntry } {
  const found = [...entries.values()].filter(({ name }) => /^[^/]+\/data\.pkl$/.test(name));
  const pickle = found[0];
  if (pickle === undefined || found.length > 1) {
    throw new Problem({
      what: source.label,
      found:
        pickle === undefined
          ? `a zip archive with ${sample(entries)}`
          : `a zip archive with ${found.length} files data.pkl`,
      expected: 'a PyTorch checkpoint, whose archive holds one "<name>/data.pkl"',
      todo: "If the checkpoint is inside the archive, unpack it first.",
    });
  }
  const root = pickle.name.slice(0, -"/data.pkl".length);
  if (entries.has(`${root}/constants.pkl`)) {
    throw new Problem({
      what: source.label,
      found: "a TorchScript program",
      expected: "a state dict",
      todo: "Save its weights in Python: torch.save(torch.jit.load(path).state_dict(), ...).",
    });
  }
  if (pickle.byteLength > MAX_PICKLE_BYTES) {
    throw new Problem({
      what: source.label,
      found: `a pickle of ${pickle.byteLength} bytes`,
      expected: `at most ${MAX_PICKLE_BYTES}`,
    });
  }
  return { root, pickle };
}

function sample(entries: ReadonlyMap<string, ZipEntry>): string {
  const names = [...entries.keys()];
  if (names.length === 0) return "nothing in it";
  return `${names
    .slice(0, 3)
    .map((name) => JSON.stringify(name.slice(0, 100)))
    .join(", ")}${names.length > 3 ? ", …" : ""}`;
}

function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined): void {
  if (entry === undefined || entry.byteLength > 16) return;
  const order = Buffer.from(readEntry(source, entry)).toString("latin1").trim();
  if (order !== "little") {
    throw new Problem({
      what: source.label,
      found: `byte order ${JSON.stringify(order)}`,
      expected: '"little"',
      todo: "Save it again on a little-endian machine (x86 or ARM).",
    });
  }
}

/** Persistent ids to storages: one record for each key, its entry found, measured and checked once. */
class StorageTable {
  readonly #source: ByteSource;
  readonly #folder: string;
  readonly #entries: ReadonlyMap<string, ZipEntry>;
  readonly #verify: boolean;
  readonly #known = new Map<string, StorageRecord>();

  constructor(source: ByteSource, folder: string, entries: ReadonlyMap<string, ZipEntry>, verify: boolean) {
    this.#source = source;
    this.#folder = folder;
    this.#entries = entries;
    this.#verify = verify;
  }

  load(persistentId: Tuple): StorageHandle {
    const { label } = this.#source;
    const id = readStorageId(persistentId, label);
    let storage = this.#known.get(id.key);
    if (storage === undefined) {
      storage = this.#make(id);
      this.#known.set(id.key, storage);
    }
    checkSameStorage(storage, id, label);
    return new StorageHandle(storage, `storage "${id.key}"`, id.view);
  }

  #make({ key, dtype, byteLength }: StorageId): StorageRecord {
    const source = this.#source;
    const entry = this.#entries.get(this.#folder + key);
    if (entry === undefined || entry.byteLength < byteLength) {
      throw new Problem({
        what: source.label,
        found:
          entry === undefined ? `no entry for storage "${key}"` : `storage "${key}" with ${entry.byteLength} bytes`,
        expected: `${byteLength} bytes of ${dtype}`,
        todo: "The file is damaged or was made to mislead; fetch it again from a source you trust.",
      });
    }
    if (this.#verify) verifyEntry(source, entry);
    const { byteOffset } = entry;
    return { dtype, byteLength, source, byteOffset, chunks: () => chunksOf(source, byteOffset, byteLength) };
  }
}
