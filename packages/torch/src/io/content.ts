import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";

export type CheckpointFormat = "safetensors" | "torch-zip" | "torch-legacy";

/**
 * Largest safetensors header: 140 000 tensors. The format's reference implementation allows 100 MB, of which a hostile one could make a
 * gigabyte of objects.
 */
export const MAX_SAFETENSORS_HEADER = 16 << 20;
/** Largest index of shards. */
export const MAX_INDEX_BYTES = 16 << 20;

const EXPECTED = "a safetensors file or a PyTorch checkpoint (.pth, .pt)";

/**
 * What the file is, by its content: its name does not matter. "shard-index" is Hugging Face's list of the files a model is spread over.
 * Refuses in one sentence everything that is no checkpoint.
 */
export function recogniseFormat(source: ByteSource): CheckpointFormat | "shard-index" {
  if (source.size === 0)
    throw refused(source, "an empty file", "Its writing or download was cut short; fetch it again.");
  const head = Buffer.from(source.read(0, Math.min(512, source.size)));
  if (startsWith(head, "PK\x03\x04") || startsWith(head, "PK\x05\x06")) return "torch-zip";
  if (isLegacy(head)) return "torch-legacy";
  if (isSafetensors(head)) return "safetensors";
  if (isShardIndex(source, head)) return "shard-index";
  for (const { found, todo, matches } of STRANGERS) if (matches(head)) throw refused(source, found, todo);
  const first = head
    .subarray(0, 8)
    .toString("hex")
    .replace(/(..)(?=.)/g, "$1 ");
  throw refused(source, `a file that begins with the bytes ${first}`, "Check that it is the right file.");
}

const MAGIC = Buffer.from("8a0a6cfc9c46f9206aa85019", "hex");

/**
 * torch.save before 1.6, or with `_use_new_zipfile_serialization=False`: a pickle of torch's magic number alone (PROTO, from protocol 4 on
 * FRAME and its length, then LONG1).
 */
function isLegacy(head: Buffer): boolean {
  if (head[0] !== 0x80) return false;
  const at = head[2] === 0x95 ? 11 : 2;
  return head.subarray(at, at + MAGIC.length).equals(MAGIC);
}

function isSafetensors(head: Buffer): boolean {
  if (head.length < 9 || head[8] !== 0x7b) return false;
  // A header over the limit is still safetensors: its reader says so better than this could.
  return head.readUInt32LE(4) === 0;
}

/** A JSON object that speaks of a weight_map. */
function isShardIndex(source: ByteSource, head: Buffer): boolean {
  if (source.size > MAX_INDEX_BYTES || !/^\s*\{\s*"/.test(head.toString("latin1"))) return false;
  return Buffer.from(source.read(0, source.size)).includes('"weight_map"');
}

interface Stranger {
  readonly found: string;
  readonly todo: string;
  matches(head: Buffer): boolean;
}

const DOWNLOAD = "The server sent a page instead of the file; download it again and check the address.";

const STRANGERS: readonly Stranger[] = [
  {
    found: "a git-lfs pointer",
    todo: "The weights themselves were not fetched: run `git lfs pull`.",
    matches: (head) => startsWith(head, "version https://git-lfs"),
  },
  {
    found: "an HTML page",
    todo: DOWNLOAD,
    matches: (head) => /^\s*<(!doctype|html|head)/i.test(head.toString("latin1")),
  },
  { found: "an XML document", todo: DOWNLOAD, matches: (head) => /^\s*<\?xml/i.test(head.toString("latin1")) },
  { found: "JSON text", todo: DOWNLOAD, matches: (head) => /^\s*[[{]\s*["{[\]}]/.test(head.toString("latin1")) },
  {
    found: "a bare pickle",
    todo: "It is not what torch.save writes; open it in Python and save its weights with torch.save.",
    matches: (head) => head[0] === 0x80 && head[1]! >= 2 && head[1]! <= 5,
  },
  { found: "gzip data", todo: "Unpack it first: gunzip.", matches: (head) => head[0] === 0x1f && head[1] === 0x8b },
  {
    found: "a tar archive",
    todo: "Unpack it first: tar -xf. If it comes from PyTorch before 0.4, save it again with a newer one.",
    matches: (head) => head.subarray(257, 262).toString("latin1") === "ustar",
  },
  { found: "an HDF5 file", todo: "Keras weights cannot be read here.", matches: (head) => startsWith(head, "\x89HDF") },
  { found: "a NumPy array", todo: "Save it as safetensors instead.", matches: (head) => startsWith(head, "\x93NUMPY") },
  { found: "a GGUF file", todo: "Fetch the weights as safetensors.", matches: (head) => startsWith(head, "GGUF") },
  { found: "a PNG picture", todo: "Check the path.", matches: (head) => startsWith(head, "\x89PNG") },
  { found: "a JPEG picture", todo: "Check the path.", matches: (head) => startsWith(head, "\xff\xd8\xff") },
  {
    found: "nothing but zeros at its beginning",
    todo: "Its download did not finish; fetch it again.",
    matches: (head) => head.every((byte) => byte === 0),
  },
];

function startsWith(head: Buffer, latin1: string): boolean {
  return head.subarray(0, latin1.length).toString("latin1") === latin1;
}

function refused(source: ByteSource, found: string, todo: string): Problem {
  return new Problem({ what: source.label, found, expected: EXPECTED, todo });
}
