import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { Problem } from "@adsam/torch";

/** A checkpoint as it lies on the disk: one file, or several with an index that says which holds what. */
export interface CheckpointFiles {
  readonly files: readonly string[];
  /** Tensor → file, as the index has it; undefined for a single file. */
  readonly index: ReadonlyMap<string, string> | undefined;
}

/** What a folder of Hugging Face's holds, the best first. */
const folderFiles = [
  "model.safetensors.index.json",
  "model.safetensors",
  "pytorch_model.bin.index.json",
  "pytorch_model.bin",
];

const maxIndexBytes = 64 << 20;

/**
 * The files behind a path: itself, the shards of an index (`model.safetensors.index.json`, known by its content), or what a folder downloaded
 * from Hugging Face holds.
 * @throws Problem for a folder without weights, a damaged index and a shard that is not there
 */
export function checkpointFiles(path: string): CheckpointFiles {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) {
    const inside = folderFiles.map((name) => join(path, name)).find((file) => existsSync(file));
    if (inside !== undefined) return checkpointFiles(inside);
    throw new Problem({
      what: `checkpoint "${path}"`,
      found: "a folder without weights",
      expected: `a file, or a folder with ${folderFiles.join(" or ")}`,
    });
  }
  if (!status?.isFile() || status.size > maxIndexBytes || firstByte(path) !== "{")
    return { files: [path], index: undefined };
  return readIndex(path);
}

function readIndex(path: string): CheckpointFiles {
  const what = `index of shards "${path}"`;
  const expected = '{"weight_map": {tensor: file, …}}, as Hugging Face writes it';
  const map = weightMap(path);
  if (map === undefined) throw new Problem({ what, found: "JSON of another kind", expected });
  const index = new Map<string, string>();
  for (const [tensor, file] of Object.entries(map)) {
    // A shard lies beside its index: a path that leads elsewhere is no one's honest work.
    if (typeof file !== "string" || file !== basename(file) || file === "" || file === "..")
      throw new Problem({
        what,
        found: `the file ${JSON.stringify(file)} for "${tensor}"`,
        expected: "a file beside it",
      });
    index.set(tensor, join(dirname(path), file));
  }
  const files = [...new Set(index.values())];
  const lost = files.filter((file) => !existsSync(file));
  if (lost.length > 0)
    throw new Problem({
      what,
      found: `${lost.length} of ${files.length} shards missing: ${lost.map((file) => basename(file)).join(", ")}`,
      expected: "all of them beside it",
      todo: "Download the others into the same folder.",
    });
  if (files.length === 0) throw new Problem({ what, found: "an empty weight_map", expected });
  return { files, index };
}

function weightMap(path: string): Record<string, unknown> | undefined {
  try {
    const { weight_map: map } = JSON.parse(readFileSync(path, "utf8")) as { weight_map?: unknown };
    return typeof map === "object" && map !== null ? (map as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function firstByte(path: string): string {
  const file = openSync(path, "r");
  try {
    const byte = Buffer.alloc(1);
    readSync(file, byte);
    return byte.toString("latin1");
  } finally {
    closeSync(file);
  }
}
