import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, type Tensor, zeros } from "@adsam/torch";
import { type LovaszSoftmaxOptions, lovaszSoftmax } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { lovaszSoftmaxReference } from "../src/reference/lovasz-softmax.js";
import {
  assertClose,
  assertSameOnAnyThreads,
  checkGradients,
  cpuOnly,
  filled,
  filledIntegers,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

/** Logits, and labels with about a fifth ignored; class C − 1 never occurs, and of several pictures the second is all ignored. */
function inputsOf([b, c, h, w]: readonly [number, number, number, number], ignored = 255) {
  const logits = filled("logits", [b, c, h, w], { lo: -3, hi: 3 });
  const classes = filledIntegers("labels", [b, h, w], Math.max(1, c - 1));
  const labels = classes.maskedFill(filled("ignored", [b, h, w], { lo: 0 }).lt(0.2), ignored);
  if (b > 1) labels.select(0, 1).fill_(ignored);
  return { logits, labels };
}

type Op = typeof lovaszSoftmax;
const run = (op: Op, labels: Tensor, options: LovaszSoftmaxOptions) => (logits: Tensor) =>
  op(logits.softmax(1), labels, options);
const composite: Op = (probabilities, labels, { ignoreIndex = 255, perImage = true } = {}) =>
  callKernel("_lovasz_softmax_composite", [probabilities, labels, ignoreIndex, perImage]) as Tensor;

for (const shape of [
  [1, 1, 1, 1],
  [3, 5, 7, 11],
  [2, 19, 33, 20],
] as const)
  for (const perImage of [true, false])
    test(`agrees with the reference in value and gradient: [${shape}], ${perImage ? "a picture" : "the batch"} at once`, () => {
      const { logits, labels } = inputsOf(shape);
      const expected = withGradients(run(lovaszSoftmaxReference, labels, { perImage }), [logits]);
      const single = logits.to({ dtype: "float32" });
      for (const [kind, op, given, label, tolerance] of [
        ["float64", lovaszSoftmax, logits, labels, 1e-12],
        ["composite", composite, logits, labels, 1e-12],
        ["uint8 labels", lovaszSoftmax, logits, labels.to({ dtype: "uint8" }), 1e-12],
        ["float32", lovaszSoftmax, single, labels, 1e-5],
      ] as const)
        for (const [i, found] of withGradients(run(op, label, { perImage }), [given]).entries())
          assertClose(found, expected[i]!, tolerance, `${kind} ${i ? "gradient" : "loss"}`);
    });

test("gradients in float64 are those of central differences", () => {
  const { logits, labels } = inputsOf([2, 4, 3, 5]);
  for (const perImage of [true, false]) checkGradients(run(lovaszSoftmax, labels, { perImage }), [logits], ["logits"]);
});

test("a perfect prediction costs 0, a wholly wrong one 1", () => {
  const labels = filledIntegers("labels", [2, 6, 5], 2);
  const right = labels.oneHot({ numClasses: 2 }).permute([0, 3, 1, 2]).to({ dtype: "float32" });
  assert.equal(lovaszSoftmax(right, labels).item(), 0);
  assert.equal(Math.abs(lovaszSoftmax(right.flip([1]), labels).item() - 1) < 1e-6, true);
});

test("hard predictions cost one minus the mean Jaccard index of the classes that occur", () => {
  const labels = filledIntegers("labels", [1, 9, 8], 3);
  const predicted = filledIntegers("predicted", [1, 9, 8], 4);
  const hard = predicted.oneHot({ numClasses: 4 }).permute([0, 3, 1, 2]).to({ dtype: "float64" });
  const indices = [0, 1, 2].map((label) => {
    const [a, b] = [labels.eq(label), predicted.eq(label)];
    return a.logicalAnd(b).sum().item() / a.logicalOr(b).sum().item();
  });
  const expected = 1 - indices.reduce((x, y) => x + y) / 3;
  assert.ok(Math.abs(lovaszSoftmax(hard, labels).item() - expected) < 1e-12);
});

test("a picture without a valid pixel counts as one of loss 0 and gets no gradient", () => {
  const { logits, labels } = inputsOf([2, 4, 5, 6]);
  const [both, gradient] = withGradients(run(lovaszSoftmax, labels, {}), [logits]);
  const first = lovaszSoftmax(logits.narrow(0, 0, 1).softmax(1), labels.narrow(0, 0, 1)).item();
  assert.ok(Math.abs(both!.item() - first / 2) < 1e-12);
  assert.ok(
    gradient!
      .select(0, 1)
      .toNumbers()
      .every((value) => value === 0),
  );
  assert.equal(lovaszSoftmax(logits.softmax(1), labels.fullLike(255)).item(), 0);
});

test("the loss is float32 for bfloat16 probabilities and under autocast; gradients keep the input's dtype", () => {
  const { logits, labels } = inputsOf([3, 5, 7, 11]);
  const low = logits.softmax(1).to({ dtype: "bfloat16" });
  const [loss, gradient] = withGradients((p) => lovaszSoftmax(p!, labels), [low]);
  assert.deepEqual([loss!.dtype, gradient!.dtype], ["float32", "bfloat16"]);
  const exact = lovaszSoftmaxReference(low.to({ dtype: "float64" }), labels);
  assertClose(loss!, exact, 1e-6, "loss");
  assertClose(
    autocast({ device: testDevice(), dtype: "bfloat16" }, () => lovaszSoftmax(low, labels)),
    exact,
    1e-6,
    "autocast",
  );
});

test("the number of threads changes no bit", ofThreads(), () => {
  const { logits, labels } = inputsOf([3, 7, 31, 33]);
  const single = logits.to({ dtype: "float32" });
  for (const perImage of [true, false])
    assertSameOnAnyThreads(() => withGradients(run(lovaszSoftmax, labels, { perImage }), [single]));
});

test("a label that is no class is named", cpuOnly("a wrong label ends the process on a GPU"), () => {
  const { logits, labels } = inputsOf([2, 4, 5, 6]);
  const p = logits.softmax(1);
  assert.throws(
    () => lovaszSoftmax(p, labels, { ignoreIndex: 4 }),
    /lovasz_softmax labels: found label 255, expected class numbers from 0 to 3, or 4 where ignored\. Map the data set's ids/,
  );
  assert.throws(() => composite(p, labels, { ignoreIndex: 4 }), /found label 255, expected class numbers from 0 to 3/);
});

test("errors name the shape or the dtype that does not fit", () => {
  const { logits, labels } = inputsOf([2, 4, 5, 6]);
  const p = logits.softmax(1);
  assert.throws(
    () => lovaszSoftmax(p, labels.narrow(1, 0, 3)),
    /labels: found shape \[2, 3, 6\], expected \[2, 5, 6\]/,
  );
  assert.throws(() => lovaszSoftmax(p, zeros([2, 5, 6])), /labels: found dtype Float, expected int64 or uint8/);
});
