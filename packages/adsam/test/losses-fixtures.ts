import assert from "node:assert/strict";
import { grad, noGrad, scope, Tensor } from "@adsam/torch";
import { crossEntropyLoss } from "../src/losses/cross-entropy.js";
import { diceLoss } from "../src/losses/dice.js";
import { focalLoss } from "../src/losses/focal.js";
import { lovaszLoss } from "../src/losses/lovasz.js";
import type { Prediction } from "../src/losses/prediction.js";
import { surfaceLoss } from "../src/losses/surface.js";
import { u } from "./golden.js";

/** Every loss, with the settings whose derivatives differ. */
export const losses: Readonly<Record<string, (prediction: Prediction) => Tensor>> = {
  focal: focalLoss,
  "focal, γ 0.5": (prediction) => focalLoss(prediction, { gamma: 0.5 }),
  "focal, class weights": (prediction) => focalLoss(prediction, { classWeights: [1, 0, 2.5, 1, 0.5] }),
  "cross-entropy": crossEntropyLoss,
  "cross-entropy, class weights": (prediction) => crossEntropyLoss(prediction, { classWeights: [1, 0, 2.5, 1, 0.5] }),
  dice: diceLoss,
  lovasz: lovaszLoss,
  "surface, distance": surfaceLoss,
  "surface, signed": (prediction) => surfaceLoss(prediction, { form: "signed" }),
};

/** Of the pictures here: two, not square, five classes of which the last occurs in neither, no multiple of a vector. */
export const sizes = { batch: 2, numClasses: 5, height: 7, width: 11 };

/** Pseudo-random logits in [-3, 3]. */
export function logitsFor(
  { batch, numClasses, height, width } = sizes,
  dtype: "float32" | "float64" = "float64",
): Tensor {
  const values = Float64Array.from({ length: batch * numClasses * height * width }, (_, i) => 6 * u("logits", i) - 3);
  return Tensor.from(values, [batch, numClasses, height, width]).to({ dtype });
}

/** Labels in blocks of 3 × 2 pixels, classes 0 … numClasses − 2, about every sixth block ignored. */
export function labelsFor({ batch, numClasses, height, width } = sizes, ignoreIndex = 255): Tensor {
  const labels = new Uint8Array(batch * height * width);
  for (let i = 0; i < labels.length; i++) {
    const [b, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const block = (b * 100 + Math.floor(y / 3)) * 100 + Math.floor(x / 2);
    labels[i] = u("ignored", block) < 1 / 6 ? ignoreIndex : Math.floor((numClasses - 1) * u("labels", block));
  }
  return Tensor.from(labels, [batch, height, width]);
}

/** Value and gradient of a loss of these logits. */
export function derive(loss: (logits: Tensor) => Tensor, logits: Tensor): { value: number; gradient: Float64Array } {
  return scope(() => {
    const leaf = logits.detach().requiresGrad_();
    const value = loss(leaf);
    assert.deepEqual(value.shape, []);
    const [gradient] = grad([value], [leaf]);
    return { value: value.item(), gradient: gradient!.toNumbers() };
  });
}

/**
 * Largest difference between a loss's gradient and central differences of it, float64. Every ninth element is tried: a step that
 * shares no factor with the sizes, so that all pictures, classes, rows and columns have their turn.
 */
export function gradientError(loss: (logits: Tensor) => Tensor, logits: Tensor, step = 1e-5): number {
  const { gradient } = derive(loss, logits);
  const values = logits.toNumbers();
  const at = (index: number, change: number): number =>
    noGrad(() =>
      scope(() => {
        const moved = values.slice();
        moved[index]! += change;
        return loss(Tensor.from(moved, logits.shape)).item();
      }),
    );
  let worst = 0;
  for (let i = 0; i < gradient.length; i += 9)
    worst = Math.max(worst, Math.abs(gradient[i]! - (at(i, step) - at(i, -step)) / (2 * step)));
  return worst;
}
