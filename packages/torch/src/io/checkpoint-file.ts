import { FileSource } from "./byte-source.js";
import { type LoadOptions, readTree } from "./checkpoint.js";
import type { CheckpointFormat } from "./content.js";
import { StoredTensor } from "./stored-tensor.js";
import { TensorRecord } from "./tensor-record.js";
import { mapLeaves, type Tree } from "./tree.js";

/**
 * A checkpoint of any known format, held open: what it contains is known, its tensors are read one by one when a network takes them. For
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
  readonly #source: FileSource;

  /** @param options.verify compare every storage of a PyTorch archive with its CRC-32 first, which reads the file once; default true */
  constructor(path: string, options: Pick<LoadOptions, "verify"> = {}) {
    const source = new FileSource(path);
    try {
      const { format, tree, metadata } = readTree(source, options);
      this.path = path;
      this.format = format;
      this.tree = mapLeaves(tree, isRecord, (record) => new StoredTensor(record)) as Tree<StoredTensor>;
      this.metadata = metadata;
      this.#source = source;
    } catch (error) {
      source[Symbol.dispose]();
      throw error;
    }
  }

  /** Bytes of the file. */
  get size(): number {
    return this.#source.size;
  }

  /** @throws Problem where the file was written to since it was opened: to be asked after loading */
  assertUnchanged(): void {
    this.#source.assertUnchanged();
  }

  [Symbol.dispose](): void {
    this.#source[Symbol.dispose]();
  }
}

function isRecord(value: unknown): value is TensorRecord {
  return value instanceof TensorRecord;
}
