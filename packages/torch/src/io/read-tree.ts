import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";
import { type CheckpointFormat, recogniseFormat } from "./content.js";
import { readSafetensors } from "./safetensors-reader.js";
import { TensorRecord } from "./tensor-record.js";
import { readTorchArchive } from "./torch-archive-reader.js";
import { readTorchLegacy } from "./torch-legacy-reader.js";
import type { Tree } from "./tree.js";

export interface ReadOptions {
  /** PyTorch archives: compare every storage with its CRC-32, which reads the file once. Default true. */
  readonly verify?: boolean;
}

/** What stands in a file of any known format, with a record in the place of each tensor. */
export interface RecordTree {
  readonly format: CheckpointFormat;
  readonly tree: Tree;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Reads everything but the tensors' elements (with `verify`, these too, once, to compare their CRC-32). One file: no index of several. */
export function readTree(source: ByteSource, { verify = true }: ReadOptions = {}): RecordTree {
  const format = recogniseFormat(source);
  switch (format) {
    case "safetensors": {
      const { tensors, metadata } = readSafetensors(source);
      return { format, tree: tensors, metadata };
    }
    case "torch-zip":
      return { format, tree: readTorchArchive(source, { verify }), metadata: new Map() };
    case "torch-legacy":
      return { format, tree: readTorchLegacy(source), metadata: new Map() };
    case "shard-index":
      throw new Problem({ what: source.label, found: "an index of several files", expected: "one with weights in it" });
  }
}

/** The tensors of a tree that is nothing but tensors by name, or undefined. */
export function namedRecords(tree: Tree): ReadonlyMap<string, TensorRecord> | undefined {
  if (!(tree instanceof Map)) return undefined;
  for (const [name, value] of tree) if (typeof name !== "string" || !(value instanceof TensorRecord)) return undefined;
  return tree as ReadonlyMap<string, TensorRecord>;
}
