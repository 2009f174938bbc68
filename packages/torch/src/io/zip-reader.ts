import { Problem } from "../problem.js";
import type { ByteSource } from "./byte-source.js";
import { crc32 } from "./crc32.js";

/** One stored file of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  /** Where its bytes begin in the archive. */
  readonly byteOffset: number;
  readonly byteLength: number;
  readonly crc32: number;
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const END64_LOCATOR = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** One entry a tensor. Each costs two reads of its local header, so that a hundred thousand take a quarter of a second. */
const MAX_ENTRIES = 100_000;
const MAX_DIRECTORY_BYTES = 16 << 20;
const DAMAGED = "The file is damaged or cut short; fetch or write it again.";

/**
 * The directory of a zip archive, checked: every entry is stored (never compressed, so nothing can swell on reading), lies inside the
 * file, overlaps no other and has a name of its own. Zip64 is understood. Reads no entry's bytes: see `readEntry`.
 * Format: PKWARE APPNOTE 6.3, §4.3.
 */
export function readZipDirectory(source: ByteSource): Map<string, ZipEntry> {
  const { count, offset, size } = findDirectory(source);
  const bytes = source.read(offset, size);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, ZipEntry>();
  let at = 0;
  for (let i = 0; i < count; i++) {
    const { entry, next } = readCentralRecord(source, bytes, view, at);
    if (entries.has(entry.name)) damaged(source, `two entries named "${entry.name}"`, "one of each name");
    entries.set(entry.name, entry);
    at = next;
  }
  checkDisjoint(source, [...entries.values()], offset);
  return entries;
}

/** The bytes of one entry, checked against its CRC-32. */
export function readEntry(source: ByteSource, entry: ZipEntry): Uint8Array {
  const bytes = source.read(entry.byteOffset, entry.byteLength);
  compareCrc(source, entry, crc32(bytes));
  return bytes;
}

/** What `verifyEntry` reads into: one buffer for all entries of all files. */
let scratch: Uint8Array | undefined;

/** Compares an entry's bytes with its CRC-32, in pieces that nobody keeps. */
export function verifyEntry(source: ByteSource, entry: ZipEntry): void {
  scratch ??= new Uint8Array(256 << 10);
  let value = 0;
  for (let done = 0; done < entry.byteLength; done += scratch.length) {
    const piece = scratch.subarray(0, Math.min(scratch.length, entry.byteLength - done));
    source.readInto(piece, entry.byteOffset + done);
    value = crc32(piece, value);
  }
  compareCrc(source, entry, value);
}

function compareCrc(source: ByteSource, entry: ZipEntry, found: number): void {
  if (found === entry.crc32) return;
  const hex = (value: number) => value.toString(16).padStart(8, "0");
  damaged(source, `CRC-32 ${hex(found)} over entry "${entry.name}"`, hex(entry.crc32));
}

interface Directory {
  readonly count: number;
  readonly offset: number;
  readonly size: number;
}

function findDirectory(source: ByteSource): Directory {
  const tailLength = Math.min(source.size, 22 + 0xffff); // the end record, and the longest comment after it
  const tailStart = source.size - tailLength;
  const tail = source.read(tailStart, tailLength);
  const view = new DataView(tail.buffer, tail.byteOffset, tail.byteLength);
  for (let at = tailLength - 22; at >= 0; at--) {
    if (view.getUint32(at, true) !== END || at + 22 + view.getUint16(at + 20, true) !== tailLength) continue;
    const short = {
      count: view.getUint16(at + 10, true),
      size: view.getUint32(at + 12, true),
      offset: view.getUint32(at + 16, true),
    };
    const directory = readZip64End(source, tailStart + at) ?? short;
    return checkDirectory(source, directory, tailStart + at);
  }
  return damaged(source, `no zip directory at the end of its ${source.size} bytes`, "a whole zip archive");
}

function readZip64End(source: ByteSource, endAt: number): Directory | undefined {
  if (endAt < 20) return undefined;
  const locator = viewOf(source.read(endAt - 20, 20));
  if (locator.getUint32(0, true) !== END64_LOCATOR) return undefined;
  const at = safe64(source, locator, 8);
  const record = viewOf(source.read(at, 56));
  if (record.getUint32(0, true) !== END64)
    damaged(source, "a zip64 locator that points at nothing", "a zip64 end record");
  return { count: safe64(source, record, 32), size: safe64(source, record, 40), offset: safe64(source, record, 48) };
}

function checkDirectory(source: ByteSource, directory: Directory, end: number): Directory {
  const { count, offset, size } = directory;
  if (count > MAX_ENTRIES) damaged(source, `${count} zip entries`, `at most ${MAX_ENTRIES}`);
  if (offset + size > end || size < count * 46 || size > MAX_DIRECTORY_BYTES) {
    damaged(
      source,
      `a zip directory of ${count} entries at bytes ${offset} to ${offset + size} of ${end}`,
      "one that fits",
    );
  }
  return directory;
}

const decoder = new TextDecoder("utf-8", { fatal: true });

function readCentralRecord(source: ByteSource, bytes: Uint8Array, view: DataView, at: number) {
  if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL) {
    damaged(source, "a zip directory that stops early", "a record for each entry");
  }
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const next = at + 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  if (next > bytes.length) damaged(source, "a zip directory that stops early", "a record for each entry");
  const rawName = bytes.subarray(at + 46, at + 46 + nameLength);
  const name = decodeName(source, rawName);
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  if (method !== 0 || flags & 1) {
    throw new Problem({
      what: source.label,
      found: `entry "${name}" ${flags & 1 ? "encrypted" : `compressed (zip method ${method})`}`,
      expected: "stored entries, as torch.save writes them",
      todo: "Unpack it and save the weights again with torch.save.",
    });
  }
  const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
  const sizes = readSizes(source, view, at, extra);
  if (sizes.packed !== sizes.plain) damaged(source, `entry "${name}" stored with two lengths`, "one length");
  const byteOffset = readLocalHeader(source, sizes.header, rawName, name);
  const entry: ZipEntry = { name, byteOffset, byteLength: sizes.plain, crc32: view.getUint32(at + 16, true) };
  return { entry, next };
}

function decodeName(source: ByteSource, raw: Uint8Array): string {
  let name: string;
  try {
    name = decoder.decode(raw);
  } catch {
    return damaged(source, "a zip entry whose name is not UTF-8", "UTF-8 names");
  }
  if (name.startsWith("/") || name.includes("\\") || name.includes("\0") || name.split("/").includes("..")) {
    damaged(
      source,
      `a zip entry named ${JSON.stringify(name)}`,
      'a name inside the archive, such as "archive/data.pkl"',
    );
  }
  return name;
}

/** Lengths and header position, each from the 32-bit field or, where that is all ones, from the zip64 extra field (§4.5.3). */
function readSizes(source: ByteSource, view: DataView, at: number, extra: Uint8Array) {
  const wide = zip64Field(extra);
  let used = 0;
  const pick = (short: number): number => {
    if (short !== 0xffffffff) return short;
    if (wide === undefined || used + 8 > wide.byteLength)
      return damaged(source, "a zip64 entry without its sizes", "a zip64 field");
    used += 8;
    return safe64(source, wide, used - 8);
  };
  const plain = pick(view.getUint32(at + 24, true));
  const packed = pick(view.getUint32(at + 20, true));
  const header = pick(view.getUint32(at + 42, true));
  return { plain, packed, header };
}

function zip64Field(extra: Uint8Array): DataView | undefined {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = view.getUint16(at + 2, true);
    if (at + 4 + length > extra.length) return undefined;
    if (view.getUint16(at, true) === 1) return new DataView(extra.buffer, extra.byteOffset + at + 4, length);
    at += 4 + length;
  }
  return undefined;
}

function readLocalHeader(source: ByteSource, at: number, rawName: Uint8Array, name: string): number {
  const bytes = source.read(at, 30 + rawName.length);
  const header = viewOf(bytes);
  if (header.getUint32(0, true) !== LOCAL)
    damaged(source, `no entry at byte ${at}, where "${name}" should begin`, "a zip entry");
  if (header.getUint16(26, true) !== rawName.length || Buffer.compare(bytes.subarray(30), rawName) !== 0)
    damaged(source, `entry "${name}" under another name at its place`, "the same name");
  return at + bytes.length + header.getUint16(28, true);
}

function checkDisjoint(source: ByteSource, entries: readonly ZipEntry[], directoryAt: number): void {
  let end = 0;
  for (const entry of [...entries].sort((a, b) => a.byteOffset - b.byteOffset || a.byteLength - b.byteLength)) {
    if (entry.byteOffset < end)
      damaged(source, `entry "${entry.name}" overlapping another`, "entries one after another");
    end = entry.byteOffset + entry.byteLength;
    if (end > directoryAt)
      damaged(source, `entry "${entry.name}" reaching to byte ${end}`, `an end before ${directoryAt}`);
  }
}

function safe64(source: ByteSource, view: DataView, at: number): number {
  const value = view.getBigUint64(at, true);
  return value <= BigInt(Number.MAX_SAFE_INTEGER)
    ? Number(value)
    : damaged(source, `a zip64 number ${value}`, "below 2^53");
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(source: ByteSource, found: string, expected: string): never {
  throw new Problem({ what: source.label, found, expected, todo: DAMAGED });
}
