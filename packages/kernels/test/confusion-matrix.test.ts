import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Dtype, Tensor } from "@adsam/torch";
import { confusionMatrix } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { assertSameOnAnyThreads, filledIntegers, testDevice } from "./helpers.js";

/** The definition, pixel by pixel. */
function reference(prediction: ArrayLike<number>, label: ArrayLike<number>, classes: number, ignoreIndex: number) {
  const counts = Array.from({ length: classes + 2 }, () => new Array<number>(classes + 1).fill(0));
  const isClass = (id: number) => id >= 0 && id < classes;
  for (let i = 0; i < label.length; i++) {
    const [truth, guess] = [label[i]!, prediction[i]!];
    const row = isClass(truth) ? truth : truth === ignoreIndex ? classes : classes + 1;
    counts[row]![isClass(guess) ? guess : classes]!++;
  }
  return counts;
}

const ids = (values: readonly number[], dtype: Dtype) =>
  Tensor.from(Float64Array.from(values), [values.length]).to({ dtype, device: testDevice() });
const toNumbers = (tensor: Tensor) => (tensor.toNested() as number[][]).map((row) => row.map(Number));

/** Ids in stretches of `run` pixels. */
const stretched = (name: string, count: number, run: number, ids: number): number[] => {
  const each = filledIntegers(name, [Math.ceil(count / run)], ids).toNumbers();
  return Array.from({ length: count }, (_, i) => each[Math.floor(i / run)]!);
};

describe("confusion matrix kernel", () => {
  // Around the lengths of the kernel's stretches (8, 64) and beyond one thread's share (2^17).
  for (const count of [0, 1, 7, 8, 9, 63, 64, 65, 200, 4097, 150_001])
    for (const run of count > 1e5 ? [5] : [1, 3, 8, 100])
      test(`${count} pixels in stretches of ${run}: every dtype counts as the definition does`, () => {
        const prediction = stretched("prediction", count, run, 21);
        const label = stretched("label", count, run === 100 ? 64 : run, 23).map((id) => (id === 22 ? 255 : id));
        const expected = reference(prediction, label, 19, 255);
        for (const [one, other] of [
          ["uint8", "uint8"],
          ["int64", "uint8"],
          ["uint8", "int64"],
          ["int32", "int16"],
        ] as const) {
          const [guess, truth] = [ids(prediction, one), ids(label, other)];
          assert.deepEqual(toNumbers(confusionMatrix(guess, truth, { classes: 19 })), expected, `${one}, ${other}`);
          const composite = callKernel("_confusion_matrix_composite", [guess, truth, 19, 255]) as Tensor;
          assert.deepEqual(toNumbers(composite), expected, `composite, ${one}, ${other}`);
        }
      });

  test("1 and 254 classes, an ignore index of any number, strangers below 0 and above", () => {
    const ids = [0, 1, 2, 100, 200, 252, 253, 254, 255];
    const [prediction, label] = [ids.flatMap((id) => ids.map(() => id)), ids.flatMap(() => ids)];
    for (const classes of [1, 2, 64, 65, 200, 254])
      for (const ignoreIndex of [254, 255, -1, -100, 1000])
        for (const dtype of ["uint8", "int64"] as const) {
          const [guess, truth] = [Tensor.of(prediction, { dtype }), Tensor.of(label, { dtype })];
          const counted = toNumbers(confusionMatrix(guess, truth, { classes, ignoreIndex }));
          assert.deepEqual(counted, reference(prediction, label, classes, ignoreIndex), `${classes}, ${ignoreIndex}`);
        }
    const wide = [-1, -256, 256, 1000, 2 ** 40, 0, 1];
    const both = Tensor.of(wide, { dtype: "int64" });
    assert.deepEqual(
      toNumbers(confusionMatrix(both, both, { classes: 2, ignoreIndex: -1 })),
      reference(wide, wide, 2, -1),
    );
  });

  test("maps that do not lie densely, and the same on any number of threads", () => {
    const [prediction, label] = ["p", "l"].map((name) =>
      filledIntegers(name, [3, 211, 407], 19).to({ dtype: "uint8" }).transpose(0, 1),
    ) as [Tensor, Tensor];
    const counts = toNumbers(confusionMatrix(prediction, label, { classes: 19 }));
    assert.deepEqual(counts, reference(prediction.toNumbers(), label.toNumbers(), 19, 255));
    assertSameOnAnyThreads(() => [confusionMatrix(prediction, label, { classes: 19 })]);
  });

  test("what it cannot take is refused by name", () => {
    const [ids, fewer] = [Tensor.of([0, 1, 2], { dtype: "uint8" }), Tensor.of([0, 1], { dtype: "uint8" })];
    assert.throws(
      () => confusionMatrix(ids, fewer, { classes: 3 }),
      /prediction: found shape \[3\], expected 2 elements/,
    );
    assert.throws(() => confusionMatrix(Tensor.of([0.5]), fewer, { classes: 3 }), /prediction: found dtype Float/);
    assert.throws(() => confusionMatrix(ids, ids, { classes: 255 }), /classes: found 255, expected 1 to 254/);
    assert.throws(() => confusionMatrix(ids, ids, { classes: 0 }), /classes: found 0/);
    assert.throws(() => confusionMatrix(ids, ids, { classes: 3, ignoreIndex: 2 }), /ignore_index: found 2/);
  });
});
