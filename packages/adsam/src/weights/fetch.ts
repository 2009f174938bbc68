import { rename, statfs } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { reasonOf } from "../data/files.js";
import { makeFolder } from "../data/make-folder.js";
import { writeReason } from "../data/write-reason.js";
import { agrees, byHand, checkedHash, look, markChecked, partOf, placeOf } from "./cache.js";
import { type DownloadOptions, download } from "./download.js";
import { lockFile } from "./file-lock.js";
import { hashOfFile } from "./hash-file.js";
import { host } from "./http.js";
import type { KnownFile } from "./known-files.js";
import { PartialFile } from "./partial-file.js";
import { sizeText } from "./sizes.js";

export interface FetchOptions {
  /** A mirror's address in place of the file's own; the same hash is asked of it. */
  readonly address?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Bytes here, bytes in all (undefined: unknown). */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Remarks about the way, one sentence each. */
  readonly onNote?: (text: string) => void;
  /** Bytes free in a folder; replaced in tests. */
  readonly freeSpace?: (folder: string) => Promise<number>;
  readonly wait?: DownloadOptions["wait"];
}

export interface Fetched {
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** `cached`: it was there and checked; `checked`: it was there, and its hash is right; `fetched`: downloaded. */
  readonly outcome: "cached" | "checked" | "fetched";
  /** Bytes that an earlier process had left; 0 for a whole download. */
  readonly resumedFrom: number;
}

/**
 * Brings a known file into the cache folder. It gets its name there only after its hash was found right; until then its bytes lie beside it
 * as `.part`, from which the next call goes on, in this process or another. Two processes that want one file take turns.
 * @throws Problem for no network, a wrong file, a full disk; AbortError once the signal is set
 */
export async function fetchWeights(file: KnownFile, options: FetchOptions = {}): Promise<Fetched> {
  const place = placeOf(file);
  const cached = atPlace(file);
  if (cached !== undefined) return cached;
  const { signal, onNote = () => {}, onProgress = () => {} } = options;
  checkAddress(options.address ?? file.address);
  makeCacheFolder(path.dirname(place));
  let isTold = false;
  const onWait = () => {
    if (!isTold) onNote("another process is fetching this file; waiting for it");
    isTold = true;
    onProgress(look(partOf(place))?.size ?? 0, file.size.bytes);
  };
  const lock = await lockFile(`${place}.lock`, { signal, onWait }).catch((error: unknown) => {
    throw inWords(error, file);
  });
  try {
    const ends = [lock.lost, ...(signal === undefined ? [] : [signal])];
    const inTurn = { ...options, onNote, onProgress, signal: AbortSignal.any(ends) };
    return atPlace(file) ?? (await checkedInPlace(file, inTurn)) ?? (await fetched(file, inTurn));
  } catch (error) {
    if (!lock.lost.aborted) throw inWords(error, file);
    const todo = "Try again; it goes on from what is here.";
    throw new Problem({ what: `weights "${file.name}"`, found: "that another process took over the download", todo });
  } finally {
    await lock.release();
  }
}

function atPlace(file: KnownFile): Fetched | undefined {
  const place = placeOf(file);
  const sha256 = checkedHash(file);
  const size = look(place)?.size;
  if (sha256 === undefined || size === undefined) return undefined;
  return { path: place, size, sha256, outcome: "cached", resumedFrom: 0 };
}

/** A file that someone put there: hashed, and downloaded anew only where it is wrong. */
async function checkedInPlace(file: KnownFile, { signal, onNote }: FetchOptions): Promise<Fetched | undefined> {
  const place = placeOf(file);
  const size = look(place)?.size;
  if (size === undefined) return undefined;
  const sha256 = (await hashOfFile(place, { signal })).digest("hex");
  if (agrees(file, sha256, size)) {
    await markChecked(file, sha256);
    return { path: place, size, sha256, outcome: "checked", resumedFrom: 0 };
  }
  onNote?.(`the file at "${place}" is not the published one (${size} bytes, SHA-256 ${sha256}); it will be replaced`);
  return undefined;
}

async function fetched(file: KnownFile, options: FetchOptions & Required<Pick<FetchOptions, "onNote" | "onProgress">>) {
  const { signal, onNote, onProgress, wait } = options;
  const address = options.address ?? file.address;
  const place = placeOf(file);
  const part = new PartialFile(partOf(place));
  const ensureRoom = (bytes: number) => roomFor(bytes, path.dirname(place), options.freeSpace ?? freeSpace);
  onNote(`fetching ${file.fileName}, ${sizeText(file.size.bytes)}, from ${host(address)}`);
  const resumes = await part.takeUp(address, signal);
  const resumedFrom = part.bytes;
  if (resumes) onNote(`going on after ${sizeText(part.bytes)} of an earlier download`);
  if (file.size.isExact) await ensureRoom(file.size.bytes - part.bytes);
  const size = file.size.isExact ? file.size.bytes : undefined;
  const run = { address, part, size, signal, onProgress, onNote, ensureRoom, ...(wait && { wait }) };
  await download(run);
  if (resumes && !agrees(file, part.sha256(), part.bytes)) {
    onNote("the hash is wrong, maybe by what an earlier process had left; once more from the beginning");
    await part.discard();
    await download(run);
  }
  const { bytes } = part;
  const sha256 = part.sha256();
  if (!agrees(file, sha256, bytes)) {
    await part.discard();
    throw wrongFile(file, address, sha256, bytes);
  }
  await part.flush();
  await rename(part.file, place);
  await part.dropNote();
  await markChecked(file, sha256);
  return { path: place, size: bytes, sha256, outcome: "fetched", resumedFrom } as const;
}

function wrongFile(file: KnownFile, address: string, sha256: string, bytes: number): Problem {
  const { hex = "", isPrefix = false } = file.sha256 ?? {};
  const expected = file.size.isExact && bytes !== file.size.bytes ? `${file.size.bytes} bytes, ` : "";
  return new Problem({
    what: `download ${address}`,
    found: `${bytes} bytes with SHA-256 ${sha256}`,
    expected: `${expected}SHA-256 ${hex}${isPrefix ? "…" : ""}`,
    todo: `It was thrown away; nothing of it lies at "${placeOf(file)}". Try again, and if the hash is the same, ask at ${file.source}.`,
  });
}

/** What a person can do about an error on the way, where that depends on the file; the system's errors become problems. */
function inWords(error: unknown, file: KnownFile): unknown {
  if (error instanceof Problem && error.parts.todo === undefined)
    return new Problem({ ...error.parts, what: `weights "${file.name}"`, todo: byHand(file) }, { cause: error });
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (syscall === undefined || error instanceof Problem) return error;
  const folder = path.dirname(placeOf(file));
  if (code === "ENOSPC" || code === "EDQUOT")
    return noRoom("a disk that ran full on the way", `room for ${sizeText(file.size.bytes)} in all`, folder);
  return cannotWrite(folder, error);
}

async function roomFor(bytes: number, folder: string, free: (folder: string) => Promise<number>): Promise<void> {
  const room = await free(folder);
  if (bytes > room) throw noRoom(`${sizeText(room)} free`, `room for ${sizeText(bytes)}`, folder);
}

function noRoom(found: string, expected: string, folder: string): Problem {
  const todo = "Make room, or set ADSAM_CACHE to a folder on a larger disk. What came so far is kept.";
  return new Problem({ what: `cache folder "${folder}"`, found, expected, todo });
}

async function freeSpace(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

function makeCacheFolder(folder: string): void {
  try {
    makeFolder(folder);
  } catch (error) {
    throw cannotWrite(folder, error);
  }
}

function cannotWrite(folder: string, error: unknown): Problem {
  const todo = "Set ADSAM_CACHE to a folder that can be written.";
  return new Problem({
    what: `cache folder "${folder}"`,
    found: writeReason(error) ?? reasonOf(error),
    expected: "a folder to write to",
    todo,
  });
}

function checkAddress(address: string): void {
  if (URL.canParse(address) && /^https?:$/.test(new URL(address).protocol)) return;
  throw new Problem({ what: "address", found: `"${address}"`, expected: "one that begins with https:// or http://" });
}
