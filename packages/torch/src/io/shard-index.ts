import { existsSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Problem } from "../problem.js";
import type { FileSource } from "./byte-source.js";
import { MAX_INDEX_BYTES } from "./content.js";
import { JsonReader } from "./json-reader.js";

/** More files than any released model comes in; each stays open while it is read. */
const MAX_SHARDS = 1000;

/** Which file has which tensors, as Hugging Face writes it: {"metadata": {…}, "weight_map": {"layer.weight": "model-00001-of-00002.safetensors"}}. */
export interface ShardIndex {
  /** In the order of the index: a tensor's name and its file's, which lies in `folder`. */
  readonly weightMap: ReadonlyMap<string, string>;
  /** The files' names, each once. */
  readonly shards: readonly string[];
  readonly folder: string;
  /** Numbers, such as the total size, come as text. */
  readonly metadata: ReadonlyMap<string, string>;
}

/** The names a folder's weights go by, the one looked for first in front. */
const FOLDER_NAMES = [
  "model.safetensors.index.json",
  "model.safetensors",
  "pytorch_model.bin.index.json",
  "pytorch_model.bin",
];

/** The file that stands for `path`: itself, or for a folder as Hugging Face lays them out the index or the one file of weights in it. */
export function checkpointPath(path: string): string {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return path;
  const found = FOLDER_NAMES.map((name) => join(path, name)).find((file) => existsSync(file));
  if (found !== undefined) return found;
  throw new Problem({
    what: `checkpoint "${path}"`,
    found: "a folder without weights",
    expected: `one of ${FOLDER_NAMES.join(", ")} in it`,
    todo: "Name the file itself if it is called otherwise.",
  });
}

/** Reads the index and checks that it names files beside itself only, all of them there. */
export function readShardIndex(source: FileSource): ShardIndex {
  const what = source.label;
  const reader = new JsonReader(source.read(0, Math.min(source.size, MAX_INDEX_BYTES)), what);
  const weightMap = new Map<string, string>();
  const metadata = new Map<string, string>();
  reader.object((part) => {
    if (part === "weight_map" && reader.kind === "object")
      reader.object((tensor) => weightMap.set(tensor, checkShardName(reader.anything(), tensor, what)));
    else if (part === "metadata" && reader.kind === "object")
      reader.object((key) => metadata.set(key, String(reader.anything() ?? "")));
    else reader.anything();
  });
  reader.end();
  if (weightMap.size === 0)
    throw new Problem({ what, found: "an index without a weight_map", expected: "tensors' names and their files" });
  const shards = [...new Set(weightMap.values())];
  if (shards.length > MAX_SHARDS)
    throw new Problem({ what, found: `${shards.length} files`, expected: `at most ${MAX_SHARDS}` });
  const folder = dirname(source.path);
  checkPresent(shards, folder, what);
  return { weightMap, shards, folder, metadata };
}

/** A bare file name: nothing that leads out of the folder. */
function checkShardName(shard: unknown, tensor: string, what: string): string {
  const isName = typeof shard === "string" && shard.length > 0 && !/[/\\\0]/.test(shard) && !/^\.*$/.test(shard);
  if (isName && basename(shard) === shard) return shard;
  throw new Problem({
    what: `${what}, tensor ${JSON.stringify(tensor)}`,
    found: `the file ${JSON.stringify(shard)}`,
    expected: "a file's name in the same folder",
    todo: "The index is damaged or was made to mislead; fetch it again from a source you trust.",
  });
}

function checkPresent(shards: readonly string[], folder: string, what: string): void {
  const missing = shards.filter((shard) => !existsSync(join(folder, shard)));
  if (missing.length === 0) return;
  const names = missing.slice(0, 5).join(", ") + (missing.length > 5 ? ", …" : "");
  throw new Problem({
    what,
    found: `${shards.length - missing.length} of its ${shards.length} files`,
    expected: "all of them",
    todo: `Fetch ${names} into "${folder}".`,
  });
}
