import type { CheckpointFormat } from "./content.js";
import { type OpenRecords, openRecords } from "./open-records.js";
import type { ReadOptions } from "./read-tree.js";
import { StoredTensor } from "./stored-tensor.js";
import { TensorRecord } from "./tensor-record.js";
import { mapLeaves, type Tree } from "./tree.js";

/**
 * A checkpoint of any known format, of one file or of several with an index, held open: what it contains is known, its tensors are read one by one when a network takes them. For
 * files as large as memory, and to look into one without loading it. Close it with `using`.
 *
 * The file is read, not mapped. One that is replaced meanwhile is read to its end as it was; one that is cut short is a `Problem`, where a
 * mapping would end the process; and what was loaded does not change when the file is written to later.
 */
export class CheckpointFile {
  readonly path: string;
  readonly format: CheckpointFormat;
  /** As of `openCheckpoint`, with a `StoredTensor` in the place of each tensor. */
  readonly tree: Tree<StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly #opened: OpenRecords;

  /** @param options.verify compare every storage of a PyTorch archive with its CRC-32 first, which reads the file once; default true */
  constructor(path: string, options: ReadOptions = {}) {
    this.#opened = openRecords(path, options);
    const { format, tree, metadata } = this.#opened;
    this.path = path;
    this.format = format;
    this.tree = mapLeaves(tree, isRecord, (record) => new StoredTensor(record)) as Tree<StoredTensor>;
    this.metadata = metadata;
  }

  /** Bytes of the files with weights in them. */
  get size(): number {
    return this.#opened.sources.reduce((sum, { size }) => sum + size, 0);
  }

  /** @throws Problem where a file was written to since it was opened: to be asked after loading */
  assertUnchanged(): void {
    for (const source of this.#opened.sources) source.assertUnchanged();
  }

  [Symbol.dispose](): void {
    this.#opened[Symbol.dispose]();
  }
}

function isRecord(value: unknown): value is TensorRecord {
  return value instanceof TensorRecord;
}
