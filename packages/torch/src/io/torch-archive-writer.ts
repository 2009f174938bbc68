import type { ByteSink } from "./byte-sink.js";
import { writePickle } from "./pickle-writer.js";
import type { StorageRecord } from "./tensor-record.js";
import type { WritableTree } from "./tree.js";
import { ZipWriter } from "./zip-writer.js";

/** The archive's folder, torch's own choice when it does not write to a named file. */
const ROOT = "archive";

/** A checkpoint ready to be written: its pickle is made, its weights are still where they were. */
export interface PlannedArchive {
  /** Bytes the file will take, within a few kilobytes of zip headers. */
  readonly byteLength: number;
  write(sink: ByteSink): void;
}

/**
 * The tree in the zip form of `torch.save`, readable by `torch.load(weights_only=True)`. Storages are written one after another as
 * they deliver their bytes; a storage that several tensors name is written once.
 */
export function planTorchArchive(tree: WritableTree): PlannedArchive {
  const keys = new Map<StorageRecord, string>();
  const keyOf = (storage: StorageRecord): string => {
    const key = keys.get(storage) ?? String(keys.size);
    keys.set(storage, key);
    return key;
  };
  const pickle = writePickle(tree, keyOf);
  const storages = [...keys.keys()];
  const overhead = 200 * (storages.length + 4);
  return {
    byteLength: storages.reduce((sum, storage) => sum + storage.byteLength, pickle.length + overhead),
    write(sink) {
      const zip = new ZipWriter(sink);
      zip.add(`${ROOT}/data.pkl`, pickle.length, [pickle]);
      zip.add(`${ROOT}/byteorder`, 6, [Buffer.from("little")]);
      for (const [storage, key] of keys) zip.add(`${ROOT}/data/${key}`, storage.byteLength, storage.chunks());
      zip.add(`${ROOT}/version`, 2, [Buffer.from("3\n")]);
      zip.finish();
    },
  };
}
