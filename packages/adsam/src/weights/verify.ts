import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { reasonOf } from "../data/files.js";
import { agrees, look, markChecked, placeOf, unknownName } from "./cache.js";
import { contentOf, type FileContent } from "./content.js";
import { hashOfFile } from "./hash-file.js";
import { type KnownFile, knownFiles, publishedFile } from "./known-files.js";

/**
 * `match`: byte for byte a known file. `unconfirmed`: meant to be a known file for which no hash is published, and nothing speaks against it.
 * `mismatch`: meant to be a known file by its name or by the caller's word, and not it. `unknown`: nobody here knows it.
 */
export type Verdict = "match" | "unconfirmed" | "mismatch" | "unknown";

export interface Verification {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly verdict: Verdict;
  /** The known file that it is, or was meant to be. */
  readonly known: KnownFile | undefined;
  /** What it is by its tensors' names, where its hash is not that of a known file. */
  readonly content: FileContent | undefined;
}

export interface VerifyOptions {
  /** What the file should be; otherwise its hash says, then its name. */
  readonly as?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @param total bytes of the file */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Hashes a file and says which known one it is. One that lies at its place in the cache folder is remembered as checked.
 * @throws Problem for a file that cannot be read, and for an `as` that nobody knows
 */
export async function verifyFile(file: string, { as, signal, onProgress }: VerifyOptions = {}): Promise<Verification> {
  const asked = as === undefined ? undefined : publishedFile(as);
  if (as !== undefined && asked === undefined) throw unknownName(as);
  const stats = look(file);
  if (stats === undefined) throw unreadable(file, "no such file");
  const { size } = stats;
  let sha256: string;
  try {
    const hash = await hashOfFile(file, { signal, onProgress: (done) => onProgress?.(done, size) });
    sha256 = hash.digest("hex");
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unreadable(file, reasonOf(error));
  }
  const resolved = path.resolve(file);
  const same = knownFiles.find((known) => known.sha256?.isPrefix === false && agrees(known, sha256, size));
  const known = asked ?? same ?? meant(resolved);
  const verdict = verdictOn(known, sha256, size);
  if (known !== undefined && verdict !== "mismatch" && resolved === placeOf(known)) await markChecked(known, sha256);
  const content = verdict === "match" ? undefined : contentOf(resolved);
  return { path: resolved, size, sha256, verdict, known, content };
}

function verdictOn(known: KnownFile | undefined, sha256: string, size: number): Verdict {
  if (known === undefined) return "unknown";
  if (!agrees(known, sha256, size)) return "mismatch";
  return known.sha256?.isPrefix === false ? "match" : "unconfirmed";
}

/** By place or by name; a download that a browser numbered (`mobile_sam (1).pt`) counts too. */
function meant(file: string): KnownFile | undefined {
  const name = path.basename(file).replace(/ ?\(\d+\)(?=\.\w+$)/, "");
  return knownFiles.find((known) => known.fileName === name);
}

function unreadable(file: string, found: string): Problem {
  return new Problem({ what: `file "${file}"`, found, expected: "a readable file of weights" });
}
