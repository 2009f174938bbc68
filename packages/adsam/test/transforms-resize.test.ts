import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, test } from "node:test";
import { resizeBilinear, resizeNearest } from "../src/data/transforms/resize.js";
import { noiseBytes } from "./data-fixtures.js";

interface Case {
  readonly name: string;
  readonly from: { height: number; width: number };
  readonly to: { height: number; width: number };
  readonly bilinear: string;
  readonly nearest: string;
}

const golden = JSON.parse(await readFile(new URL("../../test/golden/pillow-resize.json", import.meta.url), "utf8")) as {
  pillow: string;
  cases: Case[];
};

describe(`resizing equals Pillow ${golden.pillow} to the bit`, () => {
  for (const { name, from, to, bilinear, nearest } of golden.cases) {
    test(name, () => {
      const picture = { data: noiseBytes(name, from.height * from.width * 3), size: from };
      const label = { data: noiseBytes(name, from.height * from.width), size: from };
      const wide = resizeBilinear(picture, to);
      assert.deepEqual(wide.size, to);
      assert.equal(Buffer.from(wide.data).toString("hex"), bilinear);
      assert.equal(Buffer.from(resizeNearest(label, to).data).toString("hex"), nearest);
    });
  }

  test("a flat picture stays flat", () => {
    const picture = { data: new Uint8Array(5 * 7 * 3).fill(201), size: { height: 5, width: 7 } };
    assert.ok(resizeBilinear(picture, { height: 3, width: 20 }).data.every((value) => value === 201));
  });

  test("a size that is not a whole number above 0 is refused", () => {
    const picture = { data: new Uint8Array(3), size: { height: 1, width: 1 } };
    assert.throws(() => resizeBilinear(picture, { height: 0, width: 4 }), /resize: found width 4, height 0/);
    assert.throws(() => resizeBilinear(picture, { height: 2.5, width: 4 }), /integers above 0/);
  });
});
