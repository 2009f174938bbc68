/** Which published weights lie in the cache folder, and which of them have been checked. */
import { readFileSync, type Stats, statSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { cacheFolder } from "../cache-folder.js";
import { writeWhole } from "../data/files.js";
import { type KnownFile, knownFiles, publishedFile } from "./known-files.js";
import { sizeText } from "./sizes.js";

/** What was found when the file was hashed. It speaks for the file only while size and time of change stay the same. */
interface CheckMark {
  readonly sha256: string;
  readonly size: number;
  readonly mtimeMs: number;
}

/** `absent`: nothing there; `partial`: a download that can go on; `unchecked`: a file nobody has hashed yet, or changed since. */
export type CacheState = "absent" | "partial" | "unchecked" | "checked";

/** Where a known file belongs. */
export function placeOf(file: KnownFile): string {
  return cacheFolder("weights", file.fileName);
}

/** The half of a download, beside its place. */
export function partOf(place: string): string {
  return `${place}.part`;
}

/**
 * The path of a file in the cache that was hashed once, at the download or by `adsam weights verify`, and has not changed since.
 * Costs two looks at the folder, no hashing.
 */
export function cachedFile(name: string): string | undefined {
  const file = publishedFile(name);
  return file !== undefined && cacheState(file) === "checked" ? placeOf(file) : undefined;
}

/**
 * As `cachedFile`.
 * @throws Problem that names the address, the place and the command, for a file that is not there or not checked
 */
export function requireCachedFile(name: string): string {
  const file = publishedFile(name);
  if (file === undefined) throw unknownName(name);
  const state = cacheState(file);
  const place = placeOf(file);
  if (state === "checked") return place;
  const what = `weights "${file.name}"`;
  if (state === "unchecked") {
    const todo = `Run adsam weights verify "${place}".`;
    throw new Problem({ what, found: `"${place}", which was never checked or has changed since`, todo });
  }
  const found = state === "partial" ? `half a download at "${partOf(place)}"` : `nothing at "${place}"`;
  const todo = `Run adsam weights fetch ${file.name}. ${byHand(file)}`;
  throw new Problem({ what, found, expected: `${file.fileName} (${sizeText(file.size.bytes)})`, todo });
}

/** What to do where this machine cannot download. */
export function byHand(file: KnownFile): string {
  const place = placeOf(file);
  return `Without network here: download ${file.address} elsewhere, put it at "${place}" and run adsam weights verify "${place}".`;
}

export function unknownName(name: string): Problem {
  const names = knownFiles.map((file) => file.name).join(", ");
  return new Problem({ what: "weights", found: `"${name}"`, expected: `one of ${names}` });
}

export function cacheState(file: KnownFile): CacheState {
  const place = placeOf(file);
  if (look(place) === undefined) return look(partOf(place)) === undefined ? "absent" : "partial";
  return checkedHash(file) === undefined ? "unchecked" : "checked";
}

/** SHA-256 of the file at its place, as found when it was checked; undefined where it is not there, not checked or changed since. */
export function checkedHash(file: KnownFile): string | undefined {
  const place = placeOf(file);
  const stats = look(place);
  if (stats === undefined) return undefined;
  const mark = readMark(place);
  if (mark?.sha256 === undefined || mark.size !== stats.size || mark.mtimeMs !== stats.mtimeMs) return undefined;
  return agrees(file, mark.sha256, mark.size) ? mark.sha256 : undefined; // the table may know more than it did at the check
}

/** Remembers that the file at its place was hashed. */
export async function markChecked(file: KnownFile, sha256: string): Promise<void> {
  const place = placeOf(file);
  const { size, mtimeMs } = statSync(place);
  const mark: CheckMark = { sha256, size, mtimeMs };
  await writeWhole(markOf(place), `${JSON.stringify(mark)}\n`);
}

/** Whether a hash and a size are those published; true where none is published. */
export function agrees(file: KnownFile, sha256: string, size: number): boolean {
  if (file.size.isExact && file.size.bytes !== size) return false;
  return file.sha256 === undefined || sha256.startsWith(file.sha256.hex);
}

/** A file's size and times, or undefined where there is no file that this process may look at. */
export function look(file: string): Stats | undefined {
  try {
    const stats = statSync(file);
    return stats.isFile() ? stats : undefined;
  } catch {
    return undefined;
  }
}

function markOf(place: string): string {
  return `${place}.checked.json`;
}

function readMark(place: string): Partial<CheckMark> | undefined {
  try {
    const mark = JSON.parse(readFileSync(markOf(place), "utf8")) as Partial<CheckMark> | null;
    return typeof mark?.sha256 === "string" ? mark : undefined;
  } catch {
    return undefined; // none, or one that was cut: as if never checked
  }
}
