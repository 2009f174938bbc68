import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, liveTensors, Problem, scope, Tensor, withObserver } from "@adsam/torch";
import { HybridLoss, type HybridOptions, lossTerms } from "../src/losses/hybrid.js";
import { predict } from "../src/losses/prediction.js";
import { derive, gradientError, labelsFor, logitsFor, losses } from "./losses-fixtures.js";

const near = (found: number, expected: number, tol = 1e-12) =>
  assert.ok(Math.abs(found - expected) <= tol, `${found} is not ${expected} ± ${tol}`);
const none = { focal: 0, dice: 0, lovasz: 0, surface: 0, crossEntropy: 0 };

test("the total is the weighted sum of the terms, by default the paper's 0.4, 0.3, 0.2, 0.1", () => {
  const prediction = predict(logitsFor(), labelsFor());
  const alone = (name: string) => losses[name]!(prediction).item();
  using hybrid = new HybridLoss();
  const { total, parts } = hybrid.call(logitsFor(), labelsFor());
  near(
    total.item(),
    0.4 * alone("focal") + 0.3 * alone("dice") + 0.2 * alone("lovasz") + 0.1 * alone("surface, distance"),
  );
  near(parts.lovasz!.item(), alone("lovasz"));
  near(parts.surface!.item(), alone("surface, distance"));

  const classWeights = [1, 0, 2.5, 1, 0.5];
  using other = new HybridLoss({
    ...none,
    focal: 2,
    surface: 3,
    crossEntropy: 0.5,
    classWeights,
    surfaceForm: "signed",
  });
  const expected =
    2 * alone("focal, class weights") + 3 * alone("surface, signed") + 0.5 * alone("cross-entropy, class weights");
  near(other.call(logitsFor(), labelsFor()).total.item(), expected);
  using soft = new HybridLoss({ ...none, focal: 2, focalGamma: 0.5, focalAlpha: 0.5 });
  near(soft.call(logitsFor(), labelsFor()).total.item(), 4 * alone("focal, γ 0.5"));
});

test("the gradient of all terms together is the slope", () => {
  using hybrid = new HybridLoss({ crossEntropy: 0.1 });
  near(
    gradientError((logits) => hybrid.call(logits, labelsFor()).total, logitsFor()),
    0,
    1e-9,
  );
});

test("a term of weight 0 is not computed", () => {
  const operators = (options: HybridOptions): Set<string> => {
    const seen = new Set<string>();
    using hybrid = new HybridLoss(options);
    const { parts } = withObserver(
      (name) => seen.add(name),
      () => hybrid.call(logitsFor(), labelsFor()),
    );
    const wanted = lossTerms.filter((term) => hybrid.weights[term] > 0);
    assert.deepEqual(Object.keys(parts), wanted);
    return seen;
  };
  const ours = (options: HybridOptions) => [...operators(options)].filter((name) => name.startsWith("adsam::"));
  assert.deepEqual(ours({}), ["adsam::boundary_squares", "adsam::hybrid_loss"]);
  assert.deepEqual(ours({ ...none, focal: 1 }), ["adsam::hybrid_loss"]);
  const separate: HybridOptions = { surfaceForm: "signed" };
  assert.deepEqual(ours(separate), ["adsam::lovasz_softmax", "adsam::distance_transform"]);
  assert.deepEqual(ours({ ...separate, lovasz: 0 }), ["adsam::distance_transform"]);
});

test("distance maps are computed once a label, and found by key where one is given", () => {
  using hybrid = new HybridLoss();
  const keys = [{ id: "a" }, { id: "b" }];
  for (let step = 0; step < 4; step++) hybrid.call(logitsFor(), labelsFor(), { keys });
  assert.deepEqual({ hits: hybrid.mapUse!.hits, misses: hybrid.mapUse!.misses }, { hits: 6, misses: 2 });
  const seen: string[] = [];
  withObserver(
    (name) => seen.push(name),
    () => hybrid.call(logitsFor(), labelsFor(), { keys }),
  );
  assert.ok(!seen.includes("adsam::boundary_squares") && seen.includes("adsam::hybrid_loss"));
});

test("a step leaves the total, the parts and the kept maps alive, and after backward no history", () => {
  using hybrid = new HybridLoss({ crossEntropy: 1 });
  const [logits, labels] = [logitsFor().requiresGrad_(), labelsFor()];
  const step = () =>
    scope(() => {
      const { total, parts } = hybrid.call(logits, labels);
      const [gradient] = grad([total], [logits]);
      return [gradient!.abs().max().item(), Object.values(parts).map((part) => part!.requiresGrad)];
    });
  assert.deepEqual(step()[1], [false, false, false, false, false]);
  const before = liveTensors();
  for (let i = 0; i < 20; i++) step();
  assert.deepEqual(liveTensors(), before);
  scope(() => {
    hybrid.call(logits, labels); // never differentiated: the graph must go with its handles
  });
  assert.deepEqual(liveTensors(), before);
});

test("a graph that is never differentiated goes with its handles", () => {
  using hybrid = new HybridLoss();
  const shape = { batch: 1, numClasses: 19, height: 128, width: 120 }; // 1.2 MB a map of all classes
  const [logits, labels] = [logitsFor(shape, "float32").requiresGrad_(), labelsFor(shape)];
  // Without a key the labels' bytes would wait for JavaScript's collector in between, and memory would only seem to leak.
  const step = () => scope(() => void hybrid.call(logits, labels, { keys: [{ id: "a" }] }));
  for (let i = 0; i < 10; i++) step();
  const before = process.memoryUsage.rss();
  for (let i = 0; i < 80; i++) step();
  const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
  assert.ok(grown < 40, `${grown.toFixed()} MB more after 80 steps`);
});

test("a pixel that is ignored gets no gradient from any term", () => {
  using hybrid = new HybridLoss({ surfaceForm: "signed" });
  const labels = labelsFor();
  const { gradient } = derive((logits) => hybrid.call(logits, labels).total, logitsFor());
  const atIgnored = Tensor.from(gradient, logitsFor().shape).maskedSelect(labels.eq(255).unsqueeze(1));
  assert.ok(atIgnored.numel > 0);
  assert.equal(atIgnored.abs().max().item(), 0);
});

test("weights that make no loss are refused", () => {
  for (const [options, found] of [
    [none, "focal 0, dice 0, lovasz 0, surface 0, crossEntropy 0"],
    [{ dice: -1 }, "focal 0.4, dice -1, lovasz 0.2, surface 0.1, crossEntropy 0"],
    [{ dice: Number.NaN }, "focal 0.4, dice NaN, lovasz 0.2, surface 0.1, crossEntropy 0"],
  ] as const)
    assert.throws(
      () => new HybridLoss(options),
      (error: Error) => {
        assert.ok(error instanceof Problem);
        assert.equal(
          error.message,
          `weights of the hybrid loss: found ${found}, expected numbers from 0, one at least above it`,
        );
        return true;
      },
    );
});
