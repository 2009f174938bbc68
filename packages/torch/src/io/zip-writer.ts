import type { ByteSink } from "./byte-sink.js";
import { crc32 } from "./crc32.js";

interface Written {
  readonly name: Uint8Array;
  readonly headerAt: number;
  readonly byteLength: number;
  readonly crc32: number;
}

/** torch aligns the bytes of every entry to this, so that a mapped file can be used in place. */
const ALIGNMENT = 64;
/** Id of the extra field that torch pads with ("FB", little-endian). */
const PADDING_ID = 0x4246;
const ZIP64_ID = 1;
const UTF8_NAMES = 1 << 11;
const DOS_DATE_1980 = 0x0021;

/**
 * Writes a zip archive of stored entries in the form of torch.save: data aligned to 64 bytes, zip64 where a number needs it. Entries
 * stream through: nothing is held but the directory. Format: PKWARE APPNOTE 6.3, §4.3.
 */
export class ZipWriter {
  readonly #sink: ByteSink;
  readonly #entries: Written[] = [];
  readonly #wideFrom: number;

  /** `wideFrom`: numbers from this on are written as zip64. The format's bound by default; tests lower it. */
  constructor(sink: ByteSink, { wideFrom = 0xffffffff }: { wideFrom?: number } = {}) {
    this.#sink = sink;
    this.#wideFrom = wideFrom;
  }

  /** One entry of exactly `byteLength` bytes, which `chunks` delivers in pieces. */
  add(entryName: string, byteLength: number, chunks: Iterable<Uint8Array>): void {
    const name = Buffer.from(entryName);
    const headerAt = this.#sink.position;
    this.#sink.write(this.#localHeader(name, byteLength, headerAt));
    const start = this.#sink.position;
    let crc = 0;
    for (const chunk of chunks) {
      crc = crc32(chunk, crc);
      this.#sink.write(chunk);
    }
    const written = this.#sink.position - start;
    if (written !== byteLength)
      throw new Error(`entry "${entryName}" was announced with ${byteLength} bytes and came with ${written}`);
    this.#sink.patch(headerAt + 14, u32(crc));
    this.#entries.push({ name, headerAt, byteLength, crc32: crc });
  }

  /** Writes the directory. Nothing may be added after it. */
  finish(): void {
    const directoryAt = this.#sink.position;
    for (const entry of this.#entries) this.#sink.write(this.#centralRecord(entry));
    const size = this.#sink.position - directoryAt;
    const count = this.#entries.length;
    const wide = count >= 0xffff || this.#isWide(directoryAt) || this.#isWide(size);
    if (wide) this.#sink.write(zip64End({ count, size, directoryAt, recordAt: this.#sink.position }));
    const end = Buffer.alloc(22);
    end.writeUInt32LE(0x06054b50, 0);
    end.writeUInt16LE(wide ? 0xffff : count, 8);
    end.writeUInt16LE(wide ? 0xffff : count, 10);
    end.writeUInt32LE(wide ? 0xffffffff : size, 12);
    end.writeUInt32LE(wide ? 0xffffffff : directoryAt, 16);
    this.#sink.write(end);
  }

  #isWide(value: number): boolean {
    return value >= this.#wideFrom;
  }

  #localHeader(name: Uint8Array, byteLength: number, at: number): Uint8Array {
    const wide = this.#isWide(byteLength);
    const sizes = wide ? extraField(ZIP64_ID, u64(byteLength), u64(byteLength)) : Buffer.alloc(0);
    const unpadded = at + 30 + name.length + sizes.length + 4;
    const padding = extraField(PADDING_ID, Buffer.alloc((ALIGNMENT - (unpadded % ALIGNMENT)) % ALIGNMENT, "Z"));
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(wide ? 45 : 20, 4);
    header.writeUInt16LE(UTF8_NAMES, 6);
    header.writeUInt16LE(DOS_DATE_1980, 12);
    header.writeUInt32LE(wide ? 0xffffffff : byteLength, 18); // the CRC at 14 is patched in when it is known
    header.writeUInt32LE(wide ? 0xffffffff : byteLength, 22);
    header.writeUInt16LE(name.length, 26);
    header.writeUInt16LE(sizes.length + padding.length, 28);
    return Buffer.concat([header, name, sizes, padding]);
  }

  #centralRecord({ name, headerAt, byteLength, crc32: crc }: Written): Uint8Array {
    const wideLength = this.#isWide(byteLength);
    const wideHeader = this.#isWide(headerAt);
    const numbers = [...(wideLength ? [u64(byteLength), u64(byteLength)] : []), ...(wideHeader ? [u64(headerAt)] : [])];
    const extra = numbers.length > 0 ? extraField(ZIP64_ID, ...numbers) : Buffer.alloc(0);
    const record = Buffer.alloc(46);
    record.writeUInt32LE(0x02014b50, 0);
    record.writeUInt16LE(numbers.length > 0 ? 45 : 20, 4);
    record.writeUInt16LE(numbers.length > 0 ? 45 : 20, 6);
    record.writeUInt16LE(UTF8_NAMES, 8);
    record.writeUInt16LE(DOS_DATE_1980, 14);
    record.writeUInt32LE(crc, 16);
    record.writeUInt32LE(wideLength ? 0xffffffff : byteLength, 20);
    record.writeUInt32LE(wideLength ? 0xffffffff : byteLength, 24);
    record.writeUInt16LE(name.length, 28);
    record.writeUInt16LE(extra.length, 30);
    record.writeUInt32LE(wideHeader ? 0xffffffff : headerAt, 42);
    return Buffer.concat([record, name, extra]);
  }
}

function zip64End(parts: { count: number; size: number; directoryAt: number; recordAt: number }): Uint8Array {
  const record = Buffer.alloc(56);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(44n, 4);
  record.writeUInt16LE(45, 12);
  record.writeUInt16LE(45, 14);
  record.writeBigUInt64LE(BigInt(parts.count), 24);
  record.writeBigUInt64LE(BigInt(parts.count), 32);
  record.writeBigUInt64LE(BigInt(parts.size), 40);
  record.writeBigUInt64LE(BigInt(parts.directoryAt), 48);
  const locator = Buffer.alloc(20);
  locator.writeUInt32LE(0x07064b50, 0);
  locator.writeBigUInt64LE(BigInt(parts.recordAt), 8);
  locator.writeUInt32LE(1, 16);
  return Buffer.concat([record, locator]);
}

function extraField(id: number, ...parts: readonly Uint8Array[]): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(id, 0);
  head.writeUInt16LE(
    parts.reduce((sum, part) => sum + part.length, 0),
    2,
  );
  return Buffer.concat([head, ...parts]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
