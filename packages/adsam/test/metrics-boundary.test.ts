import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import type { LabelMap, Size } from "../src/data/picture.js";
import { bandsOf } from "../src/metrics/boundary/bands.js";
import { contoursOf, noContour } from "../src/metrics/boundary/contour.js";
import { countMatched } from "../src/metrics/boundary/match.js";
import { BoundaryScores } from "../src/metrics/boundary/scores.js";
import { noiseBytes } from "./data-fixtures.js";

const ignored = 255;

/** `"0 0 1"`, a row a line; a point is an ignored pixel. */
function picture(...rows: string[]): LabelMap {
  const cells = rows.map((row) => [...row].map((mark) => (mark === "." ? ignored : Number(mark))));
  return { data: Uint8Array.from(cells.flat()), size: { height: rows.length, width: rows[0]!.length } };
}

/** Blots of classes and of ignored pixels, the same for the same name. */
function blots(name: string, size: Size, numClasses: number, withIgnored = true): LabelMap {
  const [height, width] = [Math.ceil(size.height / 4), Math.ceil(size.width / 5)];
  const coarse = noiseBytes(`${name} blots`, height * width);
  const fine = noiseBytes(name, size.height * size.width);
  const data = fine.map((noise, at) => {
    const [y, x] = [Math.floor(at / size.width / 4), Math.floor((at % size.width) / 5)];
    const blot = noise < 20 ? noise : coarse[y * width + x]!;
    return blot % (numClasses + (withIgnored ? 1 : 0)) === numClasses ? ignored : blot % numClasses;
  });
  return { data, size };
}

/** Read off the definitions, a class and a pixel at a time. */
const slow = {
  contour(ids: Uint8Array, { height, width }: Size, k: number): [number, number][] {
    const found: [number, number][] = [];
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        if (ids[y * width + x] !== k) continue;
        const around = [
          [y - 1, x],
          [y + 1, x],
          [y, x - 1],
          [y, x + 1],
        ].filter(([v, u]) => v! >= 0 && v! < height && u! >= 0 && u! < width);
        if (around.some(([v, u]) => ![k, ignored].includes(ids[v! * width + u!]!))) found.push([y, x]);
      }
    return found;
  },
  near(from: [number, number][], to: [number, number][], tolerance: number): number {
    return from.filter(([y, x]) => to.some(([v, u]) => Math.hypot(v - y, u - x) <= tolerance)).length;
  },
  isOnBand(ids: Uint8Array, { height, width }: Size, y: number, x: number, reach: number): boolean {
    const own = ids[y * width + x]!;
    if (own === ignored) return false;
    for (let v = y - reach; v <= y + reach; v++)
      for (let u = x - reach; u <= x + reach; u++) {
        if (v < 0 || v >= height || u < 0 || u >= width) return true;
        if (![own, ignored].includes(ids[v * width + u]!)) return true;
      }
    return false;
  },
};

describe("boundary F1", () => {
  test("worked by hand: an edge two pixels off", () => {
    const label = picture("00011111", "00011111", "00011111");
    const guess = picture("00000111", "00000111", "00000111");
    const f1 = (tolerance: number) => {
      const scores = new BoundaryScores({ numClasses: 3, tolerance });
      scores.update(guess, label);
      return scores.f1();
    };
    assert.deepEqual(f1(1.9), [0, 0, null]);
    assert.deepEqual(f1(2), [1, 1, null]);
  });

  test("worked by hand: precision 1, recall 1/2; averaged over the pictures that hold the class", () => {
    // Class 1 is labelled as two pixels, one of which is predicted; class 0's contour is three pixels around each.
    const label = picture("01000", "00000", "00010");
    const guess = picture("01000", "00000", "00000");
    const scores = new BoundaryScores({ numClasses: 3, tolerance: 0 });
    scores.update(guess, label);
    const zero = (2 * 1 * (3 / 6)) / (1 + 3 / 6);
    assert.deepEqual(scores.f1(), [zero, (2 * 0.5) / 1.5, null]);
    scores.update(label, label);
    scores.update(picture("00", "00"), picture("00", "00")); // no contour: nothing to score
    assert.deepEqual(scores.f1(), [(zero + 1) / 2, (2 / 3 + 1) / 2, null]);
    scores.update(picture("02"), picture("00")); // predicted, not labelled
    assert.deepEqual(scores.f1(), [(zero + 1) / 3, (2 / 3 + 1) / 2, 0]);
  });

  test("what lies under an ignored label has no contour, and its rim is none", () => {
    const label = picture("00..11", "00..11");
    const guess = picture("001111", "000011");
    const scores = new BoundaryScores({ numClasses: 2, tolerance: 3 });
    scores.update(guess, label);
    assert.deepEqual(scores.f1(), [null, null]);
    assert.deepEqual(
      [...contoursOf(picture("00.01").data, { height: 1, width: 5 }, ignored).map],
      [noContour, noContour, noContour, 0, 1],
    );
  });

  test("contours and matches are those of the definition, at awkward sizes and tolerances", () => {
    for (const size of [
      { height: 1, width: 37 },
      { height: 23, width: 1 },
      { height: 31, width: 45 },
    ])
      for (const tolerance of [0, 1, 1.5, 4.3, 60]) {
        const [a, b] = [blots("a", size, 5), blots("b", size, 5)];
        const [from, to] = [a, b].map(({ data }) => contoursOf(data, size, ignored));
        const matched = countMatched(from!, to!, tolerance, 5);
        for (let k = 0; k < 5; k++) {
          const [ours, theirs] = [a, b].map(({ data }) => slow.contour(data, size, k));
          const places = [...from!.places].filter((at) => from!.map[at] === k);
          assert.deepEqual(
            places.map((at) => [Math.floor(at / size.width), at % size.width]),
            ours,
          );
          assert.equal(matched[k], slow.near(ours!, theirs!, tolerance));
        }
      }
  });

  test("the tolerance is 0.75 % of the diagonal where none is given", () => {
    const size = { height: 300, width: 400 }; // diagonal 500: 3.75 pixels
    const edgeAt = (edge: number): LabelMap => ({
      data: Uint8Array.from({ length: 120000 }, (_, at) => (at % 400 < edge ? 0 : 1)),
      size,
    });
    for (const [edge, expected] of [
      [203, 1],
      [204, 0],
    ] as const) {
      const scores = new BoundaryScores({ numClasses: 2 });
      scores.update(edgeAt(edge), edgeAt(200));
      assert.deepEqual(scores.f1(), [expected, expected]);
    }
  });
});

describe("boundary IoU", () => {
  test("worked by hand: a strip of 9 pixels, reach 1", () => {
    // Bands of class 0: the left edge and the last pixel before the change; of class 1 the first after it, and the right edge.
    const scores = new BoundaryScores({ numClasses: 3 });
    const rows = (row: string) => picture(row, row, row);
    scores.update(rows("000011111"), rows("000111111")); // diagonal 9.5, reach max(1, round(0.19)) = 1
    // First and last rows are bands altogether. Class 0: labelled 3+2+3, predicted 4+2+4; shared 3+1+3.
    // Class 1: labelled 6+2+6, predicted 5+2+5; shared 5+1+5.
    assert.deepEqual(scores.iou(), [7 / 11, 11 / 15, null]);
  });

  test("bands are those of the definition, at awkward sizes and reaches, ignored pixels being of no class", () => {
    for (const size of [
      { height: 1, width: 9 },
      { height: 13, width: 1 },
      { height: 37, width: 29 },
    ])
      for (const reach of [1, 2, 3, 7, 40]) {
        const { data } = blots(`reach ${reach}`, size, 3);
        const expected = Uint8Array.from(data, (_, at) =>
          Number(slow.isOnBand(data, size, Math.floor(at / size.width), at % size.width, reach)),
        );
        assert.deepEqual(bandsOf(data, size, ignored, reach), expected, `${size.height}×${size.width}, reach ${reach}`);
      }
  });

  const python = "/usr/bin/python3";
  const noScipy = spawnSync(python, ["-c", "import scipy.ndimage"]).status === 0 ? false : `no SciPy for ${python}`;
  test("is what eroding each mask gives, as the authors do", { skip: noScipy }, () => {
    const size = { height: 211, width: 307 };
    const [guess, label] = [blots("guess", size, 4, false), blots("label", size, 4, false)];
    for (let at = 0; at < label.data.length; at++) if (at % 307 > 100) guess.data[at] = label.data[at]!;
    const program = `
import json, sys
import numpy as np
from scipy.ndimage import binary_erosion
guess, label = (np.array(rows, dtype=np.uint8).reshape(211, 307) for rows in json.load(sys.stdin))
reach = max(1, int(round(0.02 * np.hypot(211, 307))))
band = lambda mask: mask & ~binary_erosion(mask, np.ones((3, 3)), iterations=reach, border_value=0)
pairs = [(band(guess == k), band(label == k)) for k in range(4)]
print(json.dumps([float((a & b).sum() / (a | b).sum()) for a, b in pairs]))
`;
    const input = JSON.stringify([[...guess.data], [...label.data]]);
    const { stdout, stderr } = spawnSync(python, ["-c", program], { input, encoding: "utf8" });
    const scores = new BoundaryScores({ numClasses: 4 });
    scores.update(guess, label);
    assert.deepEqual(scores.iou(), JSON.parse(stdout || stderr));
  });
});

describe("boundary scores", () => {
  test("a perfect prediction is 1, and merged parts are the whole", () => {
    const size = { height: 41, width: 67 };
    const label = blots("label", size, 6);
    const perfect = new BoundaryScores({ numClasses: 6 });
    perfect.update({ data: label.data.map((id) => (id === ignored ? 3 : id)), size }, label);
    for (const scores of [perfect.f1(), perfect.iou()]) assert.deepEqual(scores, [1, 1, 1, 1, 1, 1]);
    const [whole, left, right] = [0, 1, 2].map(() => new BoundaryScores({ numClasses: 6 }));
    for (const [i, part] of [left!, right!, right!].entries()) {
      const guess = blots(`guess ${i}`, size, 6, false);
      part.update(guess, label);
      whole!.update(guess, label);
    }
    left!.merge(right!);
    assert.deepEqual(left!.iou(), whole!.iou());
    for (const [k, f1] of left!.f1().entries()) assert.ok(Math.abs(f1! - whole!.f1()[k]!) < 1e-15);
    assert.ok(whole!.iou().every((iou) => iou! > 0.02 && iou! < 0.5));
  });

  test("refuses sizes that differ, ids that are no class, and parts that were scored otherwise", () => {
    const scores = new BoundaryScores({ numClasses: 2 });
    assert.throws(() => scores.update(picture("0000"), picture("00", "00")), {
      message: "boundary scores, prediction: found 4×1 (width×height), expected 2×2 (width×height), the label's",
    });
    assert.throws(() => scores.update(picture("02"), picture("00")), /label 0 predicted as 2, expected 0…1/);
    assert.throws(() => scores.update(picture("00"), picture("05")), /label 5 predicted as 0/);
    scores.update(picture("09"), picture("0.")); // under an ignored label a prediction is not looked at
    assert.throws(() => new BoundaryScores({ numClasses: 2, tolerance: -1 }), /tolerance of -1 pixels/);
    assert.throws(() => new BoundaryScores({ numClasses: 300 }), /300 classes/);
    const other = new BoundaryScores({ numClasses: 2, tolerance: 3 });
    assert.throws(() => scores.merge(other), /expected 2 classes, ignore index 255, tolerance by the diagonal/);
  });
});
