import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ConfusionMatrix } from "../src/metrics/confusion.js";
import { countOneByOne, countPairs } from "../src/metrics/count-pairs.js";
import { retention } from "../src/metrics/retention.js";
import { noiseBytes } from "./data-fixtures.js";

/** Three classes on 2×4 pixels, one ignored; worked by hand below. */
const label = Uint8Array.of(0, 0, 0, 1, 1, 2, 255, 0);
const guess = Uint8Array.of(0, 0, 1, 1, 0, 2, 2, 0);

describe("confusion matrix", () => {
  test("scores worked by hand", () => {
    const matrix = new ConfusionMatrix(3);
    matrix.update(guess, label);
    assert.deepEqual([...matrix.counts], [3, 1, 0, 1, 1, 0, 0, 0, 1]);
    assert.equal(matrix.pixels, 7);
    assert.equal(matrix.ignored, 1);
    assert.deepEqual(matrix.perClassIoU(), [3 / 5, 1 / 3, 1]);
    assert.equal(matrix.meanIoU(), (3 / 5 + 1 / 3 + 1) / 3);
    assert.equal(matrix.pixelAccuracy(), 5 / 7);
    assert.equal(matrix.meanAccuracy(), (3 / 4 + 1 / 2 + 1) / 3);
    const weighted = (4 / 7) * (3 / 5) + (2 / 7) * (1 / 3) + 1 / 7;
    assert.ok(Math.abs(matrix.frequencyWeightedIoU()! - weighted) < 1e-15);
    const ofTwo = (4 / 6) * (3 / 5) + (2 / 6) * (1 / 3);
    assert.ok(Math.abs(matrix.frequencyWeightedIoU([0, 1])! - ofTwo) < 1e-15);
  });

  test("an absent class is absent; one that is only predicted scores 0", () => {
    const matrix = new ConfusionMatrix(4);
    matrix.update([0, 0, 2], [0, 0, 0]);
    assert.deepEqual(matrix.perClassIoU(), [2 / 3, null, 0, null]);
    assert.equal(matrix.meanIoU(), 1 / 3);
    assert.deepEqual(matrix.perClassAccuracy(), [2 / 3, null, null, null]);
  });

  test("nothing counted, nothing scored", () => {
    const matrix = new ConfusionMatrix(2);
    matrix.update([1, 0], [255, 255]);
    assert.equal(matrix.meanIoU(), null);
    assert.equal(matrix.pixelAccuracy(), null);
    assert.equal(matrix.frequencyWeightedIoU(), null);
    assert.equal(matrix.ignored, 2);
  });

  test("the same value at batch 1, 2 and 7, and merged from two", () => {
    const area = 5 * 9;
    const labels = noiseBytes("labels", 7 * area).map((value) => (value % 21 >= 19 ? 255 : value % 21));
    const guesses = noiseBytes("guesses", 7 * area).map((value, i) =>
      value < 128 && labels[i]! < 19 ? labels[i]! : value % 19,
    );
    const [one, ...others] = [1, 2, 7].map((batch) => {
      const matrix = new ConfusionMatrix(19);
      for (let at = 0; at < labels.length; at += batch * area)
        matrix.update(guesses.subarray(at, at + batch * area), labels.subarray(at, at + batch * area));
      return matrix;
    });
    const [left, right] = [new ConfusionMatrix(19), new ConfusionMatrix(19)];
    left.update(guesses.subarray(0, 100), labels.subarray(0, 100));
    right.update(guesses.subarray(100), labels.subarray(100));
    left.merge(right);
    for (const matrix of [...others, left]) {
      assert.deepEqual(matrix.toJSON(), one!.toJSON());
      assert.equal(matrix.meanIoU(), one!.meanIoU());
    }
    assert.ok(one!.meanIoU()! > 0.2 && one!.meanIoU()! < 0.6);
  });

  test("strangers are refused with a histogram, and nothing of that update is counted", () => {
    const matrix = new ConfusionMatrix(3);
    matrix.update(guess, label);
    const before = matrix.toJSON();
    assert.throws(() => matrix.update([0, 255, 255, 3], [0, 0, 0, 0]), {
      message: "confusion matrix, predictions: found 255×2, 3×1 (value×pixels), expected 0…2",
    });
    assert.throws(() => matrix.update([0, 255], [0, 255]), /predictions: found 255×1/);
    assert.throws(() => matrix.update([0, 1, 2], [0, 7, 255]), {
      message: "confusion matrix, labels: found 7×1 (value×pixels), expected 0…2 or 255 (ignored)",
    });
    assert.throws(() => matrix.update([0, 1], [0]), /found 2 predictions, expected 1, one a label/);
    assert.deepEqual(matrix.toJSON(), before);
  });

  test("bytes are counted by the kernel as one by one, in any number of classes", () => {
    for (const numClasses of [1, 19, 254, 255])
      for (const ignoreIndex of [255, 300, -1]) {
        if (ignoreIndex < numClasses && ignoreIndex >= 0) continue;
        const [guesses, labels] = [noiseBytes("guesses", 5000), noiseBytes("labels", 5000)];
        assert.deepEqual(
          countPairs(guesses, labels, numClasses, ignoreIndex),
          countOneByOne(guesses, labels, numClasses, ignoreIndex),
        );
      }
  });

  test("a matrix that does not sum to its pixels is a defect", () => {
    const matrix = new ConfusionMatrix(3);
    matrix.update(guess, label);
    matrix.counts[4]! += 1;
    assert.throws(() => matrix.check(), /sums to 8, but 7 pixels were counted/);
  });

  test("JSON and back", () => {
    const matrix = new ConfusionMatrix(3);
    matrix.update(guess, label);
    const back = ConfusionMatrix.fromJSON(JSON.parse(JSON.stringify(matrix)));
    assert.deepEqual(back.toJSON(), matrix.toJSON());
    assert.equal(back.pixels, 7);
    const json = matrix.toJSON();
    assert.throws(() => ConfusionMatrix.fromJSON({ ...json, counts: json.counts.slice(1) }), /found 8 counts/);
    assert.throws(() => ConfusionMatrix.fromJSON({ ...json, counts: json.counts.map(() => -1) }), /0 or more/);
  });

  test("counts stay exact beyond 32 bits", () => {
    const big = ConfusionMatrix.fromJSON({ numClasses: 1, ignoreIndex: 255, ignored: 0, counts: [2 ** 52] });
    big.update([0], [0]);
    assert.equal(big.pixels, 2 ** 52 + 1);
  });

  test("an ignore index among the classes, or no classes, is refused", () => {
    assert.throws(() => new ConfusionMatrix(19, 3), /ignore index 3, which is a class/);
    assert.throws(() => new ConfusionMatrix(0), /found 0 classes/);
  });
});

test("retention", () => {
  assert.equal(retention(0.5, 0.625), 0.8);
  assert.equal(retention(null, 0.5), null);
  assert.equal(retention(0.1, 0), null);
  assert.throws(() => retention(59.5, 68.1), /mIoU of the unseen domain: found 59.5, expected 0 to 1/);
});
