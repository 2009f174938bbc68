import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { IGNORE, UNKNOWN } from "../src/data/labels.js";
import { pictureKernels } from "../src/data/native.js";
import type { Picture, Size } from "../src/data/picture.js";
import { mirrorLabel, mirrorPicture } from "../src/data/transforms/geometry.js";
import { imageNet, normalise } from "../src/data/transforms/normalise.js";
import { resizeBilinear, resizeNearest } from "../src/data/transforms/resize.js";
import { noiseBytes } from "./data-fixtures.js";
import * as slow from "./resize-reference.js";

const noise = (name: string, size: Size, channels = 3): Picture => ({
  data: noiseBytes(name, size.height * size.width * channels),
  size,
});

describe("picture kernels agree with their readable form", () => {
  const sizes: Size[] = [
    { height: 1, width: 1 },
    { height: 1, width: 9 },
    { height: 7, width: 1 },
    { height: 3, width: 2 },
    { height: 5, width: 17 },
    { height: 18, width: 31 },
    { height: 33, width: 64 },
  ];

  test("resizing, from any size to any", () => {
    for (const from of sizes)
      for (const to of sizes) {
        const picture = noise("resize", from);
        const label = noise("label", from, 1);
        const text = `${from.width}×${from.height} → ${to.width}×${to.height}`;
        assert.deepEqual(resizeBilinear(picture, to), slow.resizeBilinear(picture, to), text);
        assert.deepEqual(resizeNearest(label, to), slow.resizeNearest(label, to), text);
      }
  });

  test("white stays white, whatever the weights add up to", () => {
    const white = { data: new Uint8Array(3 * 11 * 13).fill(255), size: { height: 11, width: 13 } };
    for (const to of sizes) assert.ok(resizeBilinear(white, to).data.every((value) => value === 255));
  });

  test("mirror and normalisation, by the formula", () => {
    for (const size of sizes) {
      const { height, width } = size;
      const picture = noise("picture", size);
      const label = noise("label", size, 1);
      const [turned, ids, numbers] = [mirrorPicture(picture), mirrorLabel(label), normalise(picture)];
      for (let y = 0; y < height; y++)
        for (let x = 0; x < width; x++) {
          const [here, there] = [y * width + x, y * width + width - 1 - x];
          assert.equal(ids.data[here], label.data[there]);
          for (let c = 0; c < 3; c++) {
            const value = picture.data[3 * here + c]!;
            assert.equal(turned.data[3 * there + c], value);
            const [mean, std] = [Math.fround(imageNet.mean[c]!), Math.fround(imageNet.std[c]!)];
            const number = Math.fround(Math.fround(Math.fround(value / 255) - mean) / std);
            assert.equal(numbers[c * height * width + here], number);
          }
        }
    }
  });

  test("a look-up tells of an entry that is refused, where it is taken and only there", () => {
    const table = new Uint8Array(256).fill(UNKNOWN).fill(IGNORE, 0, 7).fill(3, 7, 34);
    for (const count of [0, 1, 7, 8, 9, 100])
      for (const stretch of [1, 5, 20]) {
        const noise = noiseBytes("ids", 100);
        const ids = Uint8Array.from({ length: count }, (_, i) => noise[Math.floor(i / stretch)]! % 34);
        const out = new Uint8Array(count);
        assert.equal(pictureKernels().lookUp(ids, table, UNKNOWN, out), true);
        assert.deepEqual(
          out,
          ids.map((id) => table[id]!),
        );
        for (const strangers of [1, 8]) {
          if (count < strangers) continue;
          ids.fill(34, count - strangers);
          assert.equal(pictureKernels().lookUp(ids, table, UNKNOWN, out), false);
        }
      }
  });
});

test("an array shorter than its sizes say, or a place outside, is an exception and not a read beyond", () => {
  const kernels = pictureKernels();
  const bytes = (count: number) => new Uint8Array(count);
  const taps = { first: Int32Array.of(0, 1), count: Int32Array.of(1, 2), weights: new Int32Array(4), width: 2 };
  const whole = { message: /found \d+ elements, expected \d+/ };
  assert.throws(() => kernels.unfilter(bytes(7), 2, 3, 3, bytes(6)), whole);
  assert.throws(() => kernels.unfilter(bytes(8), 2, 3, 3, bytes(5)), whole);
  assert.throws(() => kernels.resizeRows(bytes(8), 1, 3, 2, taps, bytes(6)), whole);
  assert.throws(() => kernels.resizeRows(bytes(9), 1, 3, 2, taps, bytes(5)), whole);
  assert.throws(() => kernels.resizeRows(bytes(6), 1, 2, 2, taps, bytes(6)), whole, "taps beyond the row");
  assert.throws(() => kernels.resizeColumns(bytes(5), 3, 2, 2, taps, bytes(6)), whole);
  assert.throws(() => kernels.pick(bytes(6), 2, 3, Int32Array.of(2), Int32Array.of(0), bytes(1)), /outside/);
  assert.throws(() => kernels.pick(bytes(6), 2, 3, Int32Array.of(0), Int32Array.of(-1), bytes(1)), /outside/);
  assert.throws(() => kernels.spread(bytes(3), 1, new Float32Array(768), new Float32Array(3), 1), whole);
  assert.throws(() => kernels.spread(bytes(3), 1, new Float32Array(767), new Float32Array(3), 0), whole);
  assert.throws(() => kernels.mirror(bytes(6), 1, 2, 3, bytes(5)), whole);
  assert.throws(() => kernels.lookUp(bytes(6), bytes(255), 0, bytes(6)), whole);
  assert.throws(() => kernels.lookUp(bytes(6), bytes(256), 0, bytes(5)), whole);
});
