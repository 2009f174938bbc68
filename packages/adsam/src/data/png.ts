/**
 * The PNG files that data sets are made of, decoded fast: 8 bits a sample, not interlaced. Inflating is zlib's work (Node brings
 * Chromium's, with its SIMD), undoing the row filters ours; together they take a third of the time of libvips.
 * Whatever is unusual or wrong in a file is left to the general decoders, which also know how to complain.
 */
import * as zlib from "node:zlib";
import { pictureKernels } from "./native.js";
import type { Size } from "./picture.js";

export interface PlainPng {
  /** [H, W, channels], 0…255; of a palette picture the indices. */
  readonly data: Uint8Array;
  readonly size: Size;
  readonly kind: "grey" | "rgb" | "palette";
}

const signature = Buffer.from("89504e470d0a1a0a", "hex");
const kinds: Readonly<Record<number, PlainPng["kind"]>> = { 0: "grey", 2: "rgb", 3: "palette" };
/** Chunks that change no pixel here: colours are taken as they are, text is nobody's business. */
const harmless: ReadonlySet<string> = new Set(["gAMA", "cHRM", "sRGB", "pHYs", "tEXt", "zTXt", "iTXt", "tIME", "bKGD"]);
/** Deflate makes at most 1032 bytes of one: a header that promises more lies, and must not make us take the memory. */
const greatestExpansion = 1032;

/** From Node 20.15 on. Without it files go the general way. */
const crc32 = (zlib as { crc32?: (data: Uint8Array, value?: number) => number }).crc32;

/** @returns undefined for anything but a whole, plain PNG */
export function decodePlainPng(bytes: Uint8Array): PlainPng | undefined {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const layout = readLayout(file);
  if (!layout) return undefined;
  const { size, kind, parts } = layout;
  const channels = kind === "rgb" ? 3 : 1;
  const rowBytes = size.width * channels;
  const expected = size.height * (rowBytes + 1);
  const stored = parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  if (expected > stored.length * greatestExpansion) return undefined;
  const filtered = inflated(stored, expected);
  if (!filtered) return undefined;
  const data = new Uint8Array(size.height * rowBytes);
  return pictureKernels().unfilter(filtered, size.height, rowBytes, channels, data) ? { data, size, kind } : undefined;
}

interface Layout {
  readonly size: Size;
  readonly kind: PlainPng["kind"];
  /** The compressed rows, in pieces. */
  readonly parts: readonly Buffer[];
}

/** Header, palette, data, end, in this order and with nothing after them; every checksum compared. */
function readLayout(file: Buffer): Layout | undefined {
  if (!crc32 || !file.subarray(0, 8).equals(signature)) return undefined;
  let header: Omit<Layout, "parts"> | undefined;
  let palette = false;
  const parts: Buffer[] = [];
  let previous = "";
  for (let at = 8; at + 12 <= file.length; ) {
    const length = file.readUInt32BE(at);
    const end = at + 12 + length;
    if (end > file.length || crc32(file.subarray(at + 4, end - 4)) !== file.readUInt32BE(end - 4)) return undefined;
    const name = file.toString("latin1", at + 4, at + 8);
    const content = file.subarray(at + 8, end - 4);
    if (name === "IHDR") {
      if (at !== 8) return undefined;
      header = readHeader(content);
      if (!header) return undefined;
    } else if (!header) return undefined;
    else if (name === "PLTE" && parts.length === 0 && header.kind === "palette") palette = true;
    else if (name === "IDAT" && (parts.length === 0 || previous === "IDAT")) parts.push(content);
    else if (name === "IEND") {
      const whole = end === file.length && parts.length > 0 && palette === (header.kind === "palette");
      return whole ? { ...header, parts } : undefined;
    } else if (!harmless.has(name)) return undefined;
    previous = name;
    at = end;
  }
  return undefined;
}

/** Width, height, depth, colour type, compression, filter, interlace. */
function readHeader(content: Buffer): Omit<Layout, "parts"> | undefined {
  if (content.length !== 13) return undefined;
  const size = { width: content.readUInt32BE(0), height: content.readUInt32BE(4) };
  const [depth, colourType, compression, filter, interlace] = content.subarray(8);
  const kind = kinds[colourType!];
  const plain = depth === 8 && kind && compression === 0 && filter === 0 && interlace === 0;
  return plain && size.width > 0 && size.height > 0 ? { size, kind } : undefined;
}

/** Exactly `expected` bytes from exactly these, zlib's own checksum compared; undefined where it is otherwise. */
function inflated(stored: Buffer, expected: number): Uint8Array | undefined {
  try {
    // One piece of the whole length: results in pieces are copied together.
    const { buffer, engine } = zlib.inflateSync(stored, {
      chunkSize: Math.max(64, expected),
      maxOutputLength: expected,
      info: true,
    }) as unknown as { buffer: Buffer; engine: zlib.Inflate };
    return buffer.length === expected && engine.bytesWritten === stored.length ? buffer : undefined;
  } catch {
    return undefined; // the general decoder says what is wrong
  }
}
