import assert from "node:assert/strict";
import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { describe, test } from "node:test";
import { Problem } from "@adsam/torch/problem";
import { decode, encode } from "fast-png";
import sharp from "sharp";
import { decodeLabelIds, readLabelIds } from "../src/data/label-png.js";
import { camvidClasses } from "../src/data/labels.js";
import { decodePicture, readPicture } from "../src/data/picture.js";
import {
  colourise,
  encodeGrey,
  encodePalette,
  overlay,
  writeGrey,
  writePalette,
  writePicture,
} from "../src/data/write-png.js";
import { noiseBytes, put, temporaryFolder } from "./data-fixtures.js";

const size = { height: 3, width: 5 };

describe("labels are read as ids", () => {
  test("grey of 8 and 16 bits, and with alpha", () => {
    const ids = noiseBytes("ids", 15);
    assert.deepEqual(decodeLabelIds(encodeGrey({ data: ids, size }), "x"), { data: ids, size });
    const wide = Uint16Array.from(ids, (id, i) => id * 256 + i);
    assert.deepEqual(decodeLabelIds(encodeGrey({ data: wide, size }), "x"), { data: wide, size });
    const withAlpha = Uint8Array.from({ length: 30 }, (_, i) => (i % 2 === 0 ? ids[i / 2]! : 7));
    assert.deepEqual(decodeLabelIds(encode({ ...size, data: withAlpha, channels: 2 }), "x").data, ids);
  });

  test("palettes of 1, 2, 4 and 8 bits by index, whatever the colours and the transparency", () => {
    for (const depth of [1, 2, 4, 8] as const) {
      const colours = Array.from({ length: 2 ** depth }, (_, k) => [255 - k, 9, 9, k % 2 === 0 ? 0 : 255]);
      const ids = noiseBytes(`depth ${depth}`, 15).map((value) => value & (2 ** depth - 1));
      const rowBytes = Math.ceil((5 * depth) / 8);
      const packed = new Uint8Array(3 * rowBytes);
      for (const [i, id] of ids.entries()) {
        const [row, bit] = [Math.floor(i / 5), (i % 5) * depth];
        packed[row * rowBytes + Math.floor(bit / 8)]! |= id << (8 - depth - (bit % 8));
      }
      const png = encode({ ...size, data: packed, channels: 1, depth, palette: colours });
      assert.deepEqual(decodeLabelIds(png, "x"), { data: ids, size }, `${depth} bits`);
    }
  });

  test("interlaced at 8 bits; fewer bits interlaced are refused", () => {
    const ids = noiseBytes("interlaced", 15);
    const png = encode({ ...size, data: ids, channels: 1 }, { interlace: "Adam7" });
    assert.deepEqual(decodeLabelIds(png, "x").data, ids);
    const few = Buffer.from(encode({ ...size, data: new Uint8Array(9), channels: 1, depth: 4 }));
    few[28] = 1;
    assert.throws(() => decodeLabelIds(few, "x"), /interlaced at 4 bits a pixel; save it without interlacing/);
  });

  test("what another encoder wrote: libvips' palette and 16-bit grey", async () => {
    const squares = Uint8Array.from({ length: 15 * 3 }, (_, i) => (Math.floor(i / 3) % 4) * 80);
    const palette = await sharp(squares, { raw: { ...size, channels: 3 } })
      .png({ palette: true, colours: 4 })
      .toBuffer();
    const { data } = decodeLabelIds(palette, "x");
    assert.ok(
      data.every((id) => id < 4),
      "indices, not colours",
    );
    assert.equal(new Set(data).size, 4);
    for (let i = 4; i < 15; i++) assert.equal(data[i], data[i - 4]);
  });

  test("colours are refused with the way out", async (t) => {
    const folder = await temporaryFolder(t);
    const file = await put(path.join(folder, "a.png"), encode({ ...size, data: new Uint8Array(45), channels: 3 }));
    await assert.rejects(readLabelIds(file), {
      message: `label "${file}": found colours (RGB), expected one id a pixel: grey or palette. Turn colours into ids with \`adsam data convert\`.`,
    });
    const jpeg = await sharp(new Uint8Array(15), { raw: { ...size, channels: 1 } })
      .jpeg()
      .toBuffer();
    assert.throws(() => decodeLabelIds(jpeg, "b.jpg"), /label "b.jpg": found a JPEG, which blurs ids/);
  });

  test("missing, empty, truncated and damaged files name themselves", async (t) => {
    const folder = await temporaryFolder(t);
    const whole = encodeGrey({ data: noiseBytes("whole", 15), size });
    await assert.rejects(readLabelIds(path.join(folder, "none.png")), /label ".*none\.png": found no such file/);
    const empty = await put(path.join(folder, "empty.png"), "");
    await assert.rejects(readLabelIds(empty), /label ".*empty\.png": found an empty file \(0 bytes\)/);
    for (let length = 9; length < whole.length; length++)
      assert.throws(
        () => decodeLabelIds(whole.subarray(0, length), "cut.png"),
        (error) => {
          assert.ok(error instanceof Problem);
          assert.match(error.message, new RegExp(`^label "cut\\.png": found ${length} bytes that cannot be decoded`));
          return true;
        },
      );
    for (let at = 33; at < whole.length - 12; at++) {
      const damaged = Uint8Array.from(whole);
      damaged[at]! ^= 0x10;
      assert.throws(() => decodeLabelIds(damaged, "x"), Problem, `byte ${at}`);
    }
  });
});

describe("pictures are read as RGB", () => {
  const rgb = noiseBytes("picture", 45);

  test("RGB as it is, alpha dropped, grey expanded, 16 bits reduced, palettes expanded", async () => {
    assert.deepEqual(await decodePicture(encode({ ...size, data: rgb, channels: 3 }), "x"), {
      data: rgb,
      size,
    });
    const rgba = Uint8Array.from({ length: 60 }, (_, i) => (i % 4 === 3 ? i : rgb[Math.floor(i / 4) * 3 + (i % 4)]!));
    assert.deepEqual((await decodePicture(encode({ ...size, data: rgba, channels: 4 }), "x")).data, rgb);
    const grey = noiseBytes("grey", 15);
    const tripled = Uint8Array.from({ length: 45 }, (_, i) => grey[Math.floor(i / 3)]!);
    assert.deepEqual((await decodePicture(encode({ ...size, data: grey, channels: 1 }), "x")).data, tripled);
    const deep = Uint16Array.from(rgb, (value, i) => value * 256 + i);
    assert.deepEqual((await decodePicture(encode({ ...size, data: deep, channels: 3, depth: 16 }), "x")).data, rgb);
    const deepGrey = Uint16Array.from(grey, (value, i) => value * 256 + i);
    assert.deepEqual(
      (await decodePicture(encode({ ...size, data: deepGrey, channels: 1, depth: 16 }), "x")).data,
      tripled,
    );
    const ids = grey.map((value) => value % 11);
    const painted = await decodePicture(encodePalette({ data: ids, size }, camvidClasses), "x");
    assert.deepEqual(
      [...painted.data],
      [...ids].flatMap((k) => camvidClasses.colours[k]!),
    );
  });

  test("EXIF's orientation is honoured", async () => {
    const wide = sharp(
      Buffer.from(Array.from({ length: 16 * 8 * 3 }, (_, i) => (Math.floor(i / 3) % 16 < 8 ? 0 : 255))),
      {
        raw: { height: 8, width: 16, channels: 3 },
      },
    );
    const turned = await decodePicture(
      await wide.jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer(),
      "x",
    );
    assert.deepEqual(turned.size, { height: 16, width: 8 });
    assert.ok(turned.data[0]! < 30 && turned.data.at(-1)! > 225, "the left half is on top");
  });

  test("missing, empty and truncated files name themselves", async (t) => {
    const folder = await temporaryFolder(t);
    await assert.rejects(
      readPicture(path.join(folder, "none.jpg")),
      /picture ".*none\.jpg": found no such file, expected a readable file/,
    );
    await assert.rejects(readPicture(folder), /found a folder/);
    const empty = await put(path.join(folder, "empty.jpg"), "");
    await assert.rejects(readPicture(empty), /picture ".*empty\.jpg": found an empty file/);
    const noise = sharp(noiseBytes("jpeg", 64 * 48 * 3), { raw: { height: 48, width: 64, channels: 3 } });
    for (const bytes of [await noise.jpeg().toBuffer(), await noise.png().toBuffer(), await noise.webp().toBuffer()]) {
      const cut = await put(path.join(folder, "cut"), bytes.subarray(0, bytes.length * 0.7));
      await assert.rejects(readPicture(cut), /^Problem: picture ".*cut": found \d+ bytes that cannot be decoded/);
    }
    const text = await put(path.join(folder, "text.png"), "not a picture");
    await assert.rejects(readPicture(text), /found 13 bytes that cannot be decoded/);
  });
});

describe("pictures are written whole", () => {
  const ids = { data: Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 255, 11, 0, 1), size };

  test("ids as grey and as palette, read back the same; the palette shows the classes' colours", async (t) => {
    const folder = await temporaryFolder(t);
    await writeGrey(path.join(folder, "new", "grey.png"), ids);
    await writePalette(path.join(folder, "palette.png"), ids, camvidClasses);
    assert.deepEqual(await readLabelIds(path.join(folder, "new", "grey.png")), ids);
    assert.deepEqual(await readLabelIds(path.join(folder, "palette.png")), ids);
    const png = decode(await readFile(path.join(folder, "palette.png")));
    assert.deepEqual(png.palette![3], [128, 64, 128]);
    const seen = await readPicture(path.join(folder, "palette.png"));
    assert.deepEqual([...seen.data], [...colourise(ids, camvidClasses).data]);
    assert.deepEqual((await readdir(folder)).sort(), ["new", "palette.png"], "no half files are left");
  });

  test("an overlay blends classes and leaves ignored pixels alone", () => {
    const picture = { data: new Uint8Array(45).fill(100), size };
    const { data } = overlay(picture, ids, camvidClasses, 0.25);
    assert.deepEqual([...data.subarray(9, 12)], [107, 91, 107], "road: 0.75·100 + 0.25·(128, 64, 128)");
    assert.deepEqual([...data.subarray(33, 39)], [100, 100, 100, 100, 100, 100], "ignored, and no class");
    assert.ok(
      picture.data.every((value) => value === 100),
      "the picture itself is untouched",
    );
    assert.throws(() => overlay(picture, { ...ids, size: { height: 5, width: 3 } }, camvidClasses), /found ids of 3×5/);
    assert.throws(() => overlay(picture, ids, camvidClasses, 2), /overlay alpha: found 2, expected 0 to 1/);
  });

  test("where the target cannot be written, the error names it and nothing is left", async (t) => {
    const folder = await temporaryFolder(t);
    await mkdir(path.join(folder, "taken"));
    await assert.rejects(
      writePicture(path.join(folder, "taken"), { data: new Uint8Array(45), size }),
      /^Problem: cannot write ".*taken": found/,
    );
    assert.deepEqual(await readdir(folder), ["taken"]);
    assert.throws(() => encodeGrey({ data: new Uint8Array(14), size }), /found 14 values, expected 15/);
  });
});
