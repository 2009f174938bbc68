import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { encode } from "fast-png";
import sharp from "sharp";
import { decodePicture, type Size } from "../src/data/picture.js";
import { decodePlainPng } from "../src/data/png.js";
import { noiseBytes } from "./data-fixtures.js";

const be32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const chunk = (name: string, content: Uint8Array): Buffer => {
  const body = Buffer.concat([Buffer.from(name, "latin1"), content]);
  return Buffer.concat([be32(content.length), body, be32(crc32(body))]);
};
const signature = Buffer.from("89504e470d0a1a0a", "hex");
const header = ({ height, width }: Size, colourType: number, { depth = 8, interlace = 0 } = {}): Buffer =>
  chunk("IHDR", Buffer.concat([be32(width), be32(height), Buffer.of(depth, colourType, 0, 0, interlace)]));
const end = chunk("IEND", new Uint8Array(0));

/** The five filters in the specification's words, the other way round: rows of bytes → rows to be deflated. */
function filtered(data: Uint8Array, { height, width }: Size, channels: number, filterOf: (y: number) => number) {
  const rowBytes = width * channels;
  const out = new Uint8Array(height * (rowBytes + 1));
  for (let y = 0; y < height; y++) {
    const filter = filterOf(y);
    out[y * (rowBytes + 1)] = filter;
    for (let i = 0; i < rowBytes; i++) {
      const at = (row: number, column: number) => (row < 0 || column < 0 ? 0 : data[row * rowBytes + column]!);
      const [a, b, c] = [at(y, i - channels), at(y - 1, i), at(y - 1, i - channels)];
      const p = a + b - c;
      const [pa, pb, pc] = [Math.abs(p - a), Math.abs(p - b), Math.abs(p - c)];
      const nearest = pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
      const guess = [0, a, b, Math.floor((a + b) / 2), nearest][filter] ?? 0;
      out[y * (rowBytes + 1) + 1 + i] = at(y, i) - guess;
    }
  }
  return out;
}

interface Parts {
  readonly size: Size;
  readonly channels?: 1 | 3;
  readonly filterOf?: (y: number) => number;
  /** Pieces the data are cut into. */
  readonly cuts?: number;
  readonly extra?: readonly Buffer[];
}

function png(data: Uint8Array, { size, channels = 3, filterOf = () => 4, cuts = 1, extra = [] }: Parts): Buffer {
  const stored = deflateSync(filtered(data, size, channels, filterOf));
  const step = Math.ceil(stored.length / cuts);
  const pieces = Array.from({ length: cuts }, (_, i) => chunk("IDAT", stored.subarray(i * step, (i + 1) * step)));
  return Buffer.concat([signature, header(size, channels === 3 ? 2 : 0), ...extra, ...pieces, end]);
}

/** Noise with slopes in it, so that every branch of the nearest-neighbour filter is taken. */
const picture = (name: string, { height, width }: Size, channels: number): Uint8Array =>
  noiseBytes(name, height * width * channels).map((value, i) => (value >> 4) + 3 * (i % (7 * channels)));

describe("plain PNG files", () => {
  const widths = [1, 2, 3, 4, 5, 15, 16, 17, 18, 33];
  const heights = [1, 3, 4, 5, 9, 15, 16, 17, 34];
  const filters: Record<string, (y: number) => number> = {
    none: () => 0,
    sub: () => 1,
    up: () => 2,
    average: () => 3,
    paeth: () => 4,
    "all in turn": (y) => (y * 3) % 5,
    "mostly paeth": (y) => (y % 6 === 4 ? 3 : 4),
  };
  for (const [name, filterOf] of Object.entries(filters))
    test(`rows filtered by ${name} come back, colours and greys of any size`, () => {
      for (const height of heights)
        for (const width of widths)
          for (const channels of [1, 3] as const) {
            const size = { height, width };
            const data = picture(name, size, channels);
            const decoded = decodePlainPng(png(data, { size, channels, filterOf }));
            assert.deepEqual(decoded, { data, size, kind: channels === 3 ? "rgb" : "grey" }, `${width}×${height}`);
          }
    });

  test("what the general decoder reads: the same, in pieces and with harmless chunks", async () => {
    const size = { height: 37, width: 51 };
    const data = picture("general", size, 3);
    const extra = [chunk("gAMA", be32(45455)), chunk("tEXt", Buffer.from("Comment\0street"))];
    const bytes = png(data, { size, cuts: 5, extra, filterOf: (y) => y % 5 });
    const general = await sharp(bytes).raw().toBuffer();
    assert.deepEqual(decodePlainPng(bytes)!.data, new Uint8Array(general));
    assert.deepEqual((await decodePicture(bytes, "x")).data, data);
  });

  test("palette pictures are their indices", () => {
    const size = { height: 5, width: 6 };
    const data = picture("palette", size, 1).map((value) => value % 4);
    const palette = [0, 1, 2, 3].map((k) => [k, 2 * k, 3 * k]);
    const bytes = encode({ ...size, data, channels: 1, depth: 8, palette });
    assert.deepEqual(decodePlainPng(bytes), { data, size, kind: "palette" });
  });

  describe("anything unusual or wrong is left to the general decoder", () => {
    const size = { height: 6, width: 5 };
    const data = picture("wrong", size, 3);
    const whole = png(data, { size });
    const stored = filtered(data, size, 3, () => 4);
    const build = (...parts: Buffer[]) => Buffer.concat([signature, ...parts, end]);
    const idat = chunk("IDAT", deflateSync(stored));
    const refused: Record<string, Uint8Array> = {
      "no bytes": new Uint8Array(0),
      "a JPEG": Buffer.from("ffd8ffe0", "hex"),
      "a byte after the end": Buffer.concat([whole, Buffer.of(0)]),
      "no end": whole.subarray(0, whole.length - 12),
      "no data": build(header(size, 2)),
      "no header": build(idat),
      "two headers": build(header(size, 2), header(size, 2), idat),
      "data in two places": build(
        header(size, 2),
        chunk("IDAT", deflateSync(stored).subarray(0, 9)),
        chunk("tEXt", Buffer.of(65, 0)),
        chunk("IDAT", deflateSync(stored).subarray(9)),
      ),
      "16 bits": build(header(size, 2, { depth: 16 }), idat),
      alpha: build(header(size, 6), idat),
      interlaced: build(header(size, 2, { interlace: 1 }), idat),
      "an orientation": build(header(size, 2), chunk("eXIf", Buffer.alloc(26)), idat),
      transparency: build(header(size, 2), chunk("tRNS", Buffer.alloc(6)), idat),
      "a palette without one": build(
        header(size, 3),
        chunk("IDAT", deflateSync(filtered(data.subarray(0, 30), size, 1, () => 0))),
      ),
      "a filter of no such number": build(
        header(size, 2),
        chunk("IDAT", deflateSync(filtered(data, size, 3, () => 5))),
      ),
      "a row too few": build(header(size, 2), chunk("IDAT", deflateSync(stored.subarray(0, -16)))),
      "a row too many": build(
        header(size, 2),
        chunk("IDAT", deflateSync(Buffer.concat([stored, stored.subarray(0, 16)]))),
      ),
      "bytes after the compressed data": build(
        header(size, 2),
        chunk("IDAT", Buffer.concat([deflateSync(stored), Buffer.of(1, 2)])),
      ),
      "data cut short": build(header(size, 2), chunk("IDAT", deflateSync(stored).subarray(0, -5))),
      "a size that no data could fill": build(header({ height: 60000, width: 60000 }, 2), idat),
      "a height of 0": build(header({ height: 0, width: 5 }, 2), idat),
    };
    for (const [name, bytes] of Object.entries(refused))
      test(name, () => assert.equal(decodePlainPng(bytes), undefined));

    test("any single damaged byte", () => {
      assert.ok(decodePlainPng(whole));
      for (let at = 0; at < whole.length; at++) {
        const damaged = Uint8Array.from(whole);
        damaged[at]! ^= 0x10;
        assert.equal(decodePlainPng(damaged), undefined, `byte ${at}`);
      }
    });
  });
});
