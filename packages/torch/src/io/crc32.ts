import * as zlib from "node:zlib";

/** zlib's own, several GB/s, from Node 20.15 on. */
const native = (zlib as { crc32?: (data: Uint8Array, value: number) => number }).crc32;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value >>> 0;
});

/** The table form of CRC-32 (IEEE 802.3, reflected 0xEDB88320), for older Node and as the reference of the test. */
export function crc32ByTable(bytes: Uint8Array, previous = 0): number {
  let value = ~previous;
  for (let i = 0; i < bytes.length; i++) value = TABLE[(value ^ bytes[i]!) & 255]! ^ (value >>> 8);
  return ~value >>> 0;
}

/** CRC-32 of zip entries. `previous` is the value so far when the bytes come in pieces. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return native === undefined ? crc32ByTable(bytes, previous) : native(bytes, previous);
}
