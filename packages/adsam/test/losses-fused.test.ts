import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, type Dtype, noGrad, Problem, scope, type Tensor, withObserver } from "@adsam/torch";
import { crossEntropyLoss } from "../src/losses/cross-entropy.js";
import { diceLoss } from "../src/losses/dice.js";
import { focalLoss } from "../src/losses/focal.js";
import { HybridLoss, type HybridOptions, lossTerms } from "../src/losses/hybrid.js";
import { lovaszLoss } from "../src/losses/lovasz.js";
import { predict } from "../src/losses/prediction.js";
import { surfaceLoss } from "../src/losses/surface.js";
import { derive, gradientError, labelsFor, logitsFor, sizes } from "./losses-fixtures.js";

/** The hybrid loss as the sum of the losses of src/losses: what the one operator is held against. */
function separately(logits: Tensor, labels: Tensor, options: HybridOptions): Tensor {
  const { focal = 0.4, dice = 0.3, lovasz = 0.2, surface = 0.1, crossEntropy = 0, ignoreIndex } = options;
  const { focalAlpha: alpha, focalGamma: gamma, classWeights } = options;
  const prediction = predict(logits, labels, { ignoreIndex });
  return focalLoss(prediction, { alpha, gamma, classWeights })
    .mul(focal)
    .add(diceLoss(prediction).mul(dice))
    .add(lovaszLoss(prediction).mul(lovasz))
    .add(surfaceLoss(prediction).mul(surface))
    .add(crossEntropyLoss(prediction, { classWeights }).mul(crossEntropy));
}

function fused(logits: Tensor, labels: Tensor, options: HybridOptions = {}): Tensor {
  using hybrid = new HybridLoss(options);
  const seen = new Set<string>();
  const { total } = withObserver(
    (name) => seen.add(name),
    () => hybrid.call(logits, labels),
  );
  assert.ok(seen.has("adsam::hybrid_loss") && !seen.has("adsam::lovasz_softmax"), [...seen].join());
  return total;
}

const largest = (values: Float64Array) => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

function assertSame(
  logits: Tensor,
  labels: Tensor,
  options: HybridOptions,
  tolerance: number,
  exactLogits = logits,
): void {
  const found = derive((z) => fused(z, labels, options), logits);
  const expected = derive((z) => separately(z, labels, options), exactLogits);
  const off = Math.abs(found.value - expected.value) / Math.max(1, Math.abs(expected.value));
  assert.ok(off <= tolerance, `value ${found.value}, expected ${expected.value}`);
  const scale = largest(expected.gradient);
  const apart = largest(found.gradient.map((value, i) => value - expected.gradient[i]!));
  assert.ok(apart <= tolerance * scale, `gradient ${apart} off where the largest is ${scale}`);
}

const settings: Readonly<Record<string, HybridOptions>> = {
  "the paper's weights": {},
  "all five terms": { crossEntropy: 0.3 },
  "class weights": { crossEntropy: 0.3, classWeights: [1, 0, 2.5, 1, 0.5] },
  "γ 0.5": { focalGamma: 0.5, focalAlpha: 0.6 },
  "γ 0": { focalGamma: 0 },
  "without the ranking": { lovasz: 0 },
  "cross-entropy alone": { focal: 0, dice: 0, lovasz: 0, surface: 0, crossEntropy: 1 },
};

for (const [name, options] of Object.entries(settings))
  test(`one operator equals the sum of the losses: ${name}`, () => {
    assertSame(logitsFor(), labelsFor(), options, 1e-13);
    assertSame(
      logitsFor(sizes, "float32"),
      labelsFor().to({ dtype: "int64" }),
      options,
      2e-6,
      logitsFor(sizes, "float32").to({ dtype: "float64" }),
    );
    const error = gradientError((logits) => fused(logits, labelsFor(), options), logitsFor());
    assert.ok(error < 1e-9, `${error} from the slope`);
  });

for (const [batch, numClasses, height, width] of [
  [1, 1, 1, 1],
  [1, 2, 1, 3],
  [3, 19, 17, 31],
  [1, 6, 96, 91],
] as const)
  test(`sizes that fill no tile: [${batch}, ${numClasses}, ${height}, ${width}]`, () => {
    const shape = { batch, numClasses: Math.max(2, numClasses), height, width };
    const logits = logitsFor(shape).narrow(1, 0, numClasses).contiguous();
    const labels = labelsFor(shape).remainder(Math.max(1, numClasses)).to({ dtype: "uint8" });
    if (batch > 1) labels.select(0, 1).fill_(255);
    assertSame(logits, labels, {}, 1e-12);
    const single = logits.to({ dtype: "float32" });
    assertSame(single, labels, {}, 1e-4, single.to({ dtype: "float64" }));
  });

test("channels-last logits, and ones that are neither", () => {
  const logits = logitsFor({ ...sizes, height: 19, width: 23 });
  const labels = labelsFor({ ...sizes, height: 19, width: 23 });
  const last = logits.permute([0, 2, 3, 1]).contiguous().permute([0, 3, 1, 2]);
  const turned = logits.transpose(2, 3).contiguous().transpose(2, 3);
  const expected = derive((z) => fused(z, labels), logits);
  for (const other of [last, turned]) {
    assert.notDeepEqual(other.strides, logits.strides);
    const found = derive((z) => fused(z, labels), other);
    assert.equal(found.value, expected.value);
    assert.deepEqual(found.gradient, expected.gradient);
  }
});

for (const dtype of ["bfloat16", "float16"] as const satisfies readonly Dtype[])
  test(`${dtype} logits are computed in float32, also under mixed precision`, () => {
    const logits = logitsFor().to({ dtype });
    const exact = derive((z) => separately(z, labelsFor(), {}), logits.to({ dtype: "float64" }));
    const found = autocast({ device: "cpu", dtype: "bfloat16" }, () => derive((z) => fused(z, labelsFor()), logits));
    assert.ok(Math.abs(found.value - exact.value) < 2e-6);
    assert.ok(largest(found.gradient.map((value, i) => value - exact.gradient[i]!)) < 1e-2 * largest(exact.gradient));
  });

test("without a gradient the values are the same", () => {
  using hybrid = new HybridLoss({ crossEntropy: 1 });
  const logits = logitsFor(sizes, "float32").requiresGrad_();
  const read = () =>
    scope(() => {
      const { total, parts } = hybrid.call(logits, labelsFor());
      return [total.item(), ...lossTerms.map((term) => parts[term]!.item())];
    });
  assert.deepEqual(noGrad(read), read());
});

test("a batch without a pixel that counts gives 0, and no gradient", () => {
  const labels = labelsFor().fullLike(255);
  const { value, gradient } = derive((z) => fused(z, labels, { crossEntropy: 1 }), logitsFor(sizes, "float32"));
  assert.deepEqual([value, largest(gradient)], [0, 0]);
});

test("what stands at ignored pixels changes nothing, not even NaN", () => {
  const [logits, labels] = [logitsFor(sizes, "float32"), labelsFor()];
  const ignored = labels.eq(255).unsqueeze(1);
  const expected = derive((z) => fused(z, labels), logits);
  const found = derive((z) => fused(z, labels), logits.maskedFill(ignored, Number.NaN));
  assert.equal(found.value, expected.value);
  assert.deepEqual(found.gradient, expected.gradient);
  const spoiled = logits.clone();
  spoiled.narrow(2, 0, 1).fill_(Number.NaN);
  assert.ok(Number.isNaN(derive((z) => fused(z, labels), spoiled).value), "at a pixel that counts it shows");
});

test("strange labels and class weights are named as the separate losses name them", () => {
  const message = (body: () => unknown) => {
    try {
      body();
    } catch (error) {
      assert.ok(error instanceof Problem, String(error));
      return error.message;
    }
    return assert.fail("nothing thrown");
  };
  const labels = labelsFor();
  labels.select(0, 0).select(0, 0).fill_(33);
  assert.equal(
    message(() => fused(logitsFor(), labels)),
    message(() => predict(logitsFor(), labels)),
  );
  assert.match(
    message(() => fused(logitsFor(), labelsFor(), { classWeights: [1, 2] })),
    /^class weights: found 2 of them, expected 5/,
  );
});
