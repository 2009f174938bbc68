import assert from "node:assert/strict";
import { test } from "node:test";
import { backward, grad, Tensor, zeros } from "@adsam/torch";
import { type HybridLossOptions, hybridLoss } from "../src/index.js";
import { lovaszSoftmaxReference } from "../src/reference/lovasz-softmax.js";
import { assertClose, assertSameOnAnyThreads, filled, filledIntegers, withGradients } from "./helpers.js";

// That it equals the separate losses is told in packages/adsam/test/losses-fused.test.ts, where they are.

const all: HybridLossOptions = { weights: [0.4, 0.3, 0.2, 0.1, 0.05] };

/** Logits, labels with about a fifth ignored, and distances. */
function inputsOf([b, c, h, w]: readonly [number, number, number, number]) {
  const logits = filled("logits", [b, c, h, w], { lo: -4, hi: 4 });
  const labels = filledIntegers("labels", [b, h, w], c).maskedFill(
    filled("ignored", [b, h, w], { lo: 0 }).lt(0.2),
    255,
  );
  const distances = filled("distances", [b, h, w], { lo: 0, hi: 9, dtype: "float32" });
  return { logits, labels, distances };
}

const total =
  (labels: Tensor, options: HybridLossOptions) =>
  (logits: Tensor): Tensor =>
    hybridLoss(logits, labels, options)[0];

test("the number of threads changes no bit: planes ranked alone, and together in parts", () => {
  for (const shape of [
    [2, 7, 31, 33],
    [1, 3, 120, 97], // fewer planes than threads, several parts each
  ] as const) {
    const { logits, labels, distances } = inputsOf(shape);
    const single = logits.to({ dtype: "float32" });
    assertSameOnAnyThreads(() => withGradients(total(labels, { ...all, distances }), [single]));
  }
});

test("the ranking is the reference's where buckets are full: crowded, spread out and tied errors", () => {
  const [b, c, h, w] = [1, 3, 150, 211] as const;
  const labels = filledIntegers("labels", [b, h, w], c);
  const own = labels.oneHot({ numClasses: c }).permute([0, 3, 1, 2]).to({ dtype: "float64" });
  const noise = filled("noise", [b, c, h, w]);
  for (const [name, logits, tolerance] of [
    ["spread over many octaves", own.mul(9).add(noise.mul(6)), 1e-3],
    ["crowded", noise.mul(1e-3), 1e-3],
    ["tied", noise.sign().mul(2), null],
  ] as const) {
    const single = logits.to({ dtype: "float32" });
    const options = { weights: [0, 0, 1, 0, 0] } as const;
    const [loss, gradient] = withGradients(total(labels, options), [single]);
    const exact = single.to({ dtype: "float64" });
    const [wanted, slope] = withGradients((z) => lovaszSoftmaxReference(z!.softmax(1), labels), [exact]);
    assertClose(loss!, wanted!, 1e-6, `${name}: loss`);
    const size = slope!.abs().max().item();
    // Equal errors may be ranked either way: then only the sums over them agree.
    if (tolerance !== null) assertClose(gradient!.div(size), slope!.div(size), tolerance, `${name}: gradient`);
    else assertClose(gradient!.abs().sum(), slope!.abs().sum(), 1e-3, `${name}: gradient`);
  }
});

test("the cotangent multiplies the gradient, and a graph that is kept gives it twice", () => {
  const { logits, labels } = inputsOf([2, 4, 5, 6]);
  const options: HybridLossOptions = { weights: [1, 1, 1, 0, 1] };
  const leaf = logits.detach().clone().requiresGrad_();
  const [loss] = hybridLoss(leaf, labels, options);
  const [once] = grad([loss], [leaf], { retainGraph: true });
  const [scaled] = grad([loss], [leaf], { cotangents: [Tensor.of(3, { dtype: "float64" })], retainGraph: true });
  assertClose(scaled!, once!.mul(3), 1e-15, "three times");
  const [again] = grad([loss], [leaf]);
  assert.deepEqual(again!.toArray(), once!.toArray());
});

test("a loss scale comes before the gradient is rounded to float16", () => {
  const { logits, labels } = inputsOf([1, 19, 90, 91]);
  const half = logits.to({ dtype: "float16" }).requiresGrad_();
  const [loss] = hybridLoss(half, labels, { weights: [1, 1, 1, 0, 0] });
  assert.equal(loss.dtype, "float32");
  const [scaled] = grad([loss], [half], { cotangents: [Tensor.of(65536, { dtype: "float32" })] });
  assert.equal(scaled!.dtype, "float16");
  const [, exact] = withGradients(
    (z) =>
      hybridLoss(z!, labels, { weights: [1, 1, 1, 0, 0] })[0]
        .mul(65536)
        .div(filled("cotangent", [])),
    [half.detach().to({ dtype: "float64" })],
  );
  const size = exact!.abs().max().item();
  assertClose(scaled!.to({ dtype: "float64" }).div(size), exact!.div(size), 2e-3, "gradient");
});

test("the terms carry no graph", () => {
  const { logits, labels } = inputsOf([1, 3, 4, 5]);
  const [sum, terms] = hybridLoss(logits.requiresGrad_(), labels, { weights: [1, 0, 1, 0, 0] });
  assert.deepEqual([sum.requiresGrad, terms.requiresGrad], [true, false]);
  const [focal, dice, lovasz, surface, crossEntropy] = terms.toNumbers();
  assert.deepEqual([dice, surface, crossEntropy], [0, 0, 0]);
  assert.ok(Math.abs(sum.item() - focal! - lovasz!) < 1e-15);
});

test("errors name what does not fit", () => {
  const { logits, labels, distances } = inputsOf([2, 4, 5, 6]);
  const refuses = (options: HybridLossOptions, message: RegExp, label = labels) =>
    assert.throws(() => hybridLoss(logits, label, options), message);
  refuses(all, /hybrid_loss distances: found none, expected \[B, H, W\] for a surface term that has a weight/);
  refuses({ ...all, distances: distances.narrow(1, 0, 3) }, /distances: found shape \[2, 3, 6\], expected \[2, 5, 6\]/);
  refuses({ ...all, distances: logits.select(1, 0) }, /distances: found dtype Double, expected float32/);
  refuses({ ...all, distances, classWeights: [1] }, /class_weights: found 1 of them, expected 4, one a class/);
  refuses({ ...all, distances, ignoreIndex: 3 }, /labels: found label 255, expected class numbers from 0 to 3, or 3/);
  refuses({ ...all, distances }, /labels: found shape \[2, 3, 6\], expected \[2, 5, 6\]/, labels.narrow(1, 0, 3));
  refuses({ ...all, distances }, /labels: found dtype Float, expected int64 or uint8/, zeros([2, 5, 6]));
  const [sum] = hybridLoss(logits.requiresGrad_(), labels, { ...all, distances });
  assert.throws(
    () => backward([sum], [], { createGraph: true }),
    /hybrid_loss: found a request for second derivatives/,
  );
});
