import { join } from "node:path";
import { Problem } from "../problem.js";
import { FileSource } from "./byte-source.js";
import { type CheckpointFormat, recogniseFormat } from "./content.js";
import { namedRecords, type ReadOptions, type RecordTree, readTree } from "./read-tree.js";
import { checkpointPath, readShardIndex, type ShardIndex } from "./shard-index.js";
import type { TensorRecord } from "./tensor-record.js";

/** A checkpoint with its files held open: of one file, or of an index and the files it names. Close it with `using`. */
export interface OpenRecords extends RecordTree, Disposable {
  /** The files with weights in them. */
  readonly sources: readonly FileSource[];
}

/**
 * Opens a checkpoint of any known format, recognised by its content: a file, an index of several as Hugging Face writes it, or a folder that
 * has one of them.
 */
export function openRecords(path: string, options: ReadOptions = {}): OpenRecords {
  const sources: FileSource[] = [];
  const close = () => {
    for (const source of sources) source[Symbol.dispose]();
  };
  try {
    const first = new FileSource(checkpointPath(path));
    sources.push(first);
    if (recogniseFormat(first) !== "shard-index") {
      return { ...readTree(first, options), sources, [Symbol.dispose]: close };
    }
    const index = readShardIndex(first);
    sources.pop()?.[Symbol.dispose]();
    return { ...readShards(index, first.label, sources, options), sources, [Symbol.dispose]: close };
  } catch (error) {
    close();
    throw error;
  }
}

/** All tensors of all files as one dictionary in the order of the index. `sources` takes the files as they are opened. */
function readShards(index: ShardIndex, label: string, sources: FileSource[], options: ReadOptions): RecordTree {
  const found = new Map<string, ReadonlyMap<string, TensorRecord>>();
  let format: CheckpointFormat | undefined;
  for (const shard of index.shards) {
    const source = new FileSource(join(index.folder, shard));
    sources.push(source);
    const { tree, format: another } = readTree(source, options);
    format ??= another;
    const records = namedRecords(tree);
    if (records === undefined)
      throw new Problem({ what: source.label, found: "more than tensors by name", expected: "one shard of a model" });
    if (another !== format)
      throw new Problem({ what: label, found: `files of ${format} and ${another}`, expected: "one format" });
    found.set(shard, records);
  }
  const tree = new Map<string, TensorRecord>();
  for (const [name, shard] of index.weightMap) {
    const record = found.get(shard)?.get(name);
    if (record === undefined) throw disagreement(label, `no tensor ${JSON.stringify(name)} in ${shard}`, "it there");
    tree.set(name, record);
  }
  for (const [shard, records] of found)
    for (const name of records.keys())
      if (index.weightMap.get(name) !== shard)
        throw disagreement(label, `tensor ${JSON.stringify(name)} in ${shard}`, "those of the index only");
  return { format: format!, tree, metadata: index.metadata };
}

function disagreement(what: string, found: string, expected: string): Problem {
  return new Problem({
    what,
    found,
    expected,
    todo: "The index and its files do not belong together; fetch all of them again.",
  });
}
