/**
 * Bytes of a store. Two files a shard, both append-only, both begun with the shard's header:
 * `<name>.data`: records of one size each, a record header and the payload; `<name>.index`: the record headers alone, once more.
 * A record counts once its header stands in the index, which is written after the record. Where the index is short or damaged, the
 * headers in the data say the same. Integers are little-endian, checksums CRC-32.
 */
import { crc32 } from "@adsam/torch/io/crc32";
import { type EmbeddingStorage, formatVersion } from "./description.js";

/** Of a shard and of a record alike. */
export const headerBytes = 64;

/** A shard is closed and a new one begun where the next record would make it larger. */
export const largestShardBytes = 2 ** 30;

/** Which embedding: a picture by the content of its file, as it is or mirrored. */
export interface EmbeddingId {
  /** SHA-256 of the file's bytes, 64 hexadecimal digits. */
  readonly picture: string;
  readonly mirrored: boolean;
}

/** One string an id, for maps. */
export const idText = ({ picture, mirrored }: EmbeddingId): string => (mirrored ? `${picture}~` : picture);

export interface RecordHeader {
  readonly id: EmbeddingId;
  /** Its place in the shard, from 0. */
  readonly ordinal: number;
  /** CRC-32 of the payload. */
  readonly checksum: number;
}

/** Bytes of an embedding as stored. int8 carries a scale and an offset of each channel, float32 each. */
export function payloadBytes({ dtype, shape: [channels, height, width] }: EmbeddingStorage): number {
  const values = channels * height * width;
  return dtype === "int8" ? values + channels * 8 : values * 2;
}

/** Bytes on disk of so many embeddings, headers and index included. */
export function storeBytes(storage: EmbeddingStorage, embeddings: number): number {
  const record = headerBytes + payloadBytes(storage);
  const perShard = Math.max(1, Math.floor((largestShardBytes - headerBytes) / record));
  return embeddings * (record + headerBytes) + Math.ceil(embeddings / perShard) * 2 * headerBytes;
}

const shardMagic = Buffer.from("ADSAMEMB", "latin1");
const recordMagic = 0x43524445; // "EDRC"

/** @param key the store's, 64 hexadecimal digits */
export function packShardHeader(key: string, payload: number): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  shardMagic.copy(bytes);
  bytes.writeUInt32LE(formatVersion, 8);
  bytes.writeUInt32LE(payload, 12);
  bytes.write(key, 16, "hex");
  return sealed(bytes);
}

/** What is wrong with a shard's first bytes, if anything. */
export function shardFault(bytes: Buffer, key: string, payload: number): string | undefined {
  const [found, expected] = [bytes.subarray(0, headerBytes), packShardHeader(key, payload)];
  if (found.equals(expected)) return undefined;
  if (!isSealed(found) || !found.subarray(0, 8).equals(shardMagic)) return "it begins with no shard header";
  const version = found.readUInt32LE(8);
  return version === formatVersion
    ? "it belongs to the store of another encoder, preprocessing or dtype"
    : `it is of format version ${version}, not ${formatVersion}`;
}

export function packRecordHeader({ id, ordinal, checksum }: RecordHeader): Buffer {
  const bytes = Buffer.alloc(headerBytes);
  bytes.writeUInt32LE(recordMagic, 0);
  bytes.writeUInt32LE(checksum, 4);
  bytes.writeUInt32LE(ordinal, 8);
  bytes.writeUInt8(id.mirrored ? 1 : 0, 12);
  bytes.write(id.picture, 16, "hex");
  return sealed(bytes);
}

/** The header that stands at `at`; undefined for anything that is none, or that of another place. */
export function parseRecordHeader(bytes: Buffer, at: number, ordinal: number): RecordHeader | undefined {
  const header = bytes.subarray(at, at + headerBytes);
  if (header.length < headerBytes || !isSealed(header)) return undefined;
  if (header.readUInt32LE(0) !== recordMagic || header.readUInt32LE(8) !== ordinal) return undefined;
  const id = { picture: header.toString("hex", 16, 48), mirrored: header.readUInt8(12) === 1 };
  return { id, ordinal, checksum: header.readUInt32LE(4) };
}

function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, headerBytes - 4)), headerBytes - 4);
  return bytes;
}

function isSealed(bytes: Buffer): boolean {
  return (
    bytes.length === headerBytes && bytes.readUInt32LE(headerBytes - 4) === crc32(bytes.subarray(0, headerBytes - 4))
  );
}
