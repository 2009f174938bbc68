import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, Problem, Tensor } from "@adsam/torch";
import { crossEntropyLoss } from "../src/losses/cross-entropy.js";
import { diceLoss } from "../src/losses/dice.js";
import { focalLoss } from "../src/losses/focal.js";
import { checkLabels } from "../src/losses/labels.js";
import { lovaszLoss } from "../src/losses/lovasz.js";
import { predict } from "../src/losses/prediction.js";
import { surfaceLoss } from "../src/losses/surface.js";
import { derive, gradientError, labelsFor, logitsFor, losses, sizes } from "./losses-fixtures.js";

const near = (found: number, expected: number, tol: number, what = "value") =>
  assert.ok(Math.abs(found - expected) <= tol, `${what}: ${found} is not ${expected} ± ${tol}`);
const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: the gradient is the slope`, () => {
    const labels = labelsFor();
    const ofLogits = (logits: Tensor) => loss(predict(logits, labels));
    const { gradient } = derive(ofLogits, logitsFor());
    assert.ok(largest(gradient) > 1e-5, "a gradient to check");
    near(gradientError(ofLogits, logitsFor()), 0, 1e-9, "difference");
  });

  test(`${name}: what stands at ignored pixels changes nothing`, () => {
    const labels = labelsFor();
    const ignored = labels.eq(255).unsqueeze(1); // [B, 1, H, W]
    assert.ok(ignored.any().item());
    const logits = logitsFor();
    const before = derive((x) => loss(predict(x, labels)), logits);
    const other = ignored.where(logits.mul(-7).add(3), logits);
    const after = derive((x) => loss(predict(x, labels)), other);
    near(after.value, before.value, 1e-14);
    assert.ok(largest(after.gradient.map((value, i) => value - before.gradient[i]!)) < 1e-15);
    const atIgnored = Tensor.from(after.gradient, logits.shape).maskedSelect(ignored);
    assert.equal(largest(atIgnored.toNumbers()), 0);
  });

  test(`${name}: a batch without a pixel that counts gives 0, and no gradient`, () => {
    const labels = Tensor.from(new Uint8Array(2 * 7 * 11).fill(255), [2, 7, 11]);
    const { value, gradient } = derive((x) => loss(predict(x, labels)), logitsFor());
    assert.equal(Math.abs(value), 0);
    assert.equal(largest(gradient), 0);
  });

  test(`${name}: the mirror image costs the same`, () => {
    const [labels, logits] = [labelsFor(), logitsFor()];
    for (const dim of [-1, -2]) {
      const straight = derive((x) => loss(predict(x, labels)), logits);
      const mirrored = derive((x) => loss(predict(x, labels.flip([dim]))), logits.flip([dim]));
      near(mirrored.value, straight.value, 1e-13);
      const back = Tensor.from(mirrored.gradient, logits.shape).flip([dim]).toNumbers();
      assert.ok(largest(back.map((value, i) => value - straight.gradient[i]!)) < 1e-15);
    }
  });

  test(`${name}: float32 and bfloat16 logits, int64 labels, and under mixed precision`, () => {
    const [labels, logits] = [labelsFor(), logitsFor()];
    const rounded = logits.to({ dtype: "bfloat16" });
    const exact = derive((x) => loss(predict(x, labels)), rounded.to({ dtype: "float64" }));
    for (const dtype of ["float32", "bfloat16"] as const) {
      const given = rounded.to({ dtype });
      const found = autocast({ device: "cpu", dtype: "bfloat16" }, () =>
        derive((x) => loss(predict(x, labels.to({ dtype: "int64" }))), given),
      );
      near(found.value, exact.value, 2e-6 * Math.max(1, Math.abs(exact.value)), dtype);
      const tolerance = (dtype === "float32" ? 1e-5 : 1e-2) * largest(exact.gradient);
      assert.ok(largest(found.gradient.map((value, i) => value - exact.gradient[i]!)) < tolerance, dtype);
    }
  });
}

/** Logits that are sure of each pixel's own class; ignored pixels are sure of class 0. */
function sure(labels: Tensor, numClasses: number): Tensor {
  const index = labels.to({ dtype: "int64" }).maskedFill(labels.eq(255), 0);
  return index.oneHot({ numClasses }).permute([0, 3, 1, 2]).to({ dtype: "float64" }).mul(60);
}

test("a perfect prediction costs nothing", () => {
  const labels = labelsFor();
  const prediction = predict(sure(labels, sizes.numClasses), labels);
  for (const loss of [focalLoss, crossEntropyLoss, diceLoss, lovaszLoss, surfaceLoss])
    near(loss(prediction).item(), 0, 1e-12, loss.name);
  const signed = surfaceLoss(prediction, { form: "signed" }).item();
  assert.ok(signed < 0, `inside its own region each class earns: ${signed}`);
});

test("dice: an absent class counts as a miss once it gets probability, and is not left out", () => {
  const labels = Tensor.from(new Uint8Array(12), [1, 3, 4]); // class 0 only
  const even = diceLoss(predict(Tensor.from(new Float64Array(3 * 12), [1, 3, 3, 4]), labels)).item();
  // p = 1/3 everywhere: class 0 scores 2·4 / (4 + 12), the others 0.
  near(even, 1 - 0.5 / 3, 1e-6);
});

test("lovasz: only classes present are averaged, a picture at a time", () => {
  const labels = Tensor.from(new Uint8Array(12), [1, 3, 4]);
  const logits = Tensor.from(new Float64Array(3 * 12), [1, 3, 3, 4]);
  // One class present, all errors 2/3, so the loss is 2/3 whatever the other two hold.
  near(lovaszLoss(predict(logits, labels)).item(), 2 / 3, 1e-12);
  const [a, b] = [0, 1].map((i) => {
    const one = { logits: logitsFor().narrow(0, i, 1), labels: labelsFor().narrow(0, i, 1) };
    return lovaszLoss(predict(one.logits, one.labels)).item();
  });
  near(lovaszLoss(predict(logitsFor(), labelsFor())).item(), (a! + b!) / 2, 1e-12);
});

test("focal: γ 0 and α 1 is the cross-entropy, and class weights multiply", () => {
  const prediction = predict(logitsFor(), labelsFor());
  const plain = crossEntropyLoss(prediction).item();
  near(focalLoss(prediction, { gamma: 0, alpha: 1 }).item(), plain, 1e-12);
  near(focalLoss(prediction, { classWeights: [3, 3, 3, 3, 3] }).item(), 3 * focalLoss(prediction).item(), 1e-12);
  near(crossEntropyLoss(prediction, { classWeights: [3, 3, 3, 3, 3] }).item(), plain, 1e-12);
  near(crossEntropyLoss(prediction, { classWeights: [0, 0, 0, 0, 1] }).item(), 0, 0, "a class that does not occur");
});

test("cross-entropy: PyTorch's operator agrees", () => {
  const [logits, labels] = [logitsFor(), labelsFor()];
  const weights = [1, 0.25, 2.5, 1, 0.5];
  const theirs = logits.crossEntropyLoss(labels.to({ dtype: "int64" }), {
    weight: Tensor.of(weights, { dtype: "float64" }),
    ignoreIndex: 255,
  });
  near(crossEntropyLoss(predict(logits, labels), { classWeights: weights }).item(), theirs.item(), 1e-12);
});

test("logits far apart stay finite", () => {
  const [logits, labels] = [logitsFor(sizes, "float32").mul(1e4), labelsFor()];
  for (const [name, loss] of Object.entries(losses)) {
    const { value, gradient } = derive((x) => loss(predict(x, labels)), logits);
    assert.ok(Number.isFinite(value) && gradient.every(Number.isFinite), name);
  }
});

test("another ignored id, also one below 0", () => {
  const logits = logitsFor();
  const expected = focalLoss(predict(logits, labelsFor())).item();
  const wide = labelsFor().to({ dtype: "int64" });
  for (const ignoreIndex of [19, -100]) {
    const labels = wide.maskedFill(wide.eq(255), ignoreIndex);
    for (const loss of [focalLoss, lovaszLoss, diceLoss])
      near(loss(predict(logits, labels, { ignoreIndex })).item(), loss(predict(logits, labelsFor())).item(), 1e-14);
  }
  near(focalLoss(predict(logits, labelsFor(sizes, 4), { ignoreIndex: 4 })).item(), expected, 1e-14);
});

const refuses = (body: () => unknown, message: string) =>
  assert.throws(body, (error: unknown) => {
    assert.ok(error instanceof Problem, String(error));
    assert.equal(error.message, message);
    return true;
  });

test("shapes, dtypes and ids that do not belong together are named", () => {
  const [logits, labels] = [logitsFor(), labelsFor()];
  refuses(
    () => predict(logits, labels.narrow(2, 0, 10)),
    "labels: found [2, 7, 10], expected [2, 7, 11], the batch, height and width of the logits [2, 5, 7, 11]. " +
      "Upsample the logits to the labels' size before the loss.",
  );
  refuses(
    () => predict(logits.select(0, 0), labels),
    "`logits`: found a tensor of 3 dimensions, [5, 7, 11], expected 4 dimensions",
  );
  refuses(
    () => predict(logits, labels.unsqueeze(1)),
    "`labels`: found a tensor of 4 dimensions, [2, 1, 7, 11], expected 3 dimensions",
  );
  refuses(
    () => predict(logits, labels.to({ dtype: "float32" })),
    "labels: found dtype float32, expected uint8 or int64",
  );
  refuses(
    () => predict(logits.to({ dtype: "int64" }), labels),
    "logits: found dtype int64, expected a floating-point dtype",
  );
  refuses(
    () => crossEntropyLoss(predict(logits, labels), { classWeights: [1, 2] }),
    "class weights: found 2 of them, expected 5, one a class in train-id order",
  );
  refuses(
    () => surfaceLoss(predict(logits, labels), { form: "signed", maps: logits.select(1, 0) }),
    'distance maps of the surface loss, form "signed": found [2, 7, 11], expected [2, 5, 7, 11]',
  );
  const strange = Tensor.from(Uint8Array.of(0, 33, 4, 5, 33, 255), [1, 2, 3]);
  refuses(
    () => predict(Tensor.from(new Float32Array(30), [1, 5, 2, 3]), strange),
    "labels: found the ids 5 (1 pixel), 33 (2 pixels), expected classes 0 to 4, or 255 for ignored pixels. " +
      "Convert raw ids to train ids, or check the number of classes and the ignored id.",
  );
  checkLabels(strange, { numClasses: 34 });
});
