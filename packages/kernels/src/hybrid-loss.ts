import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface HybridLossOptions {
  /** Factors of focal, Dice, Lovász-softmax, surface and cross-entropy. A term of weight 0 is not computed. */
  readonly weights: readonly [focal: number, dice: number, lovasz: number, surface: number, crossEntropy: number];
  /** [B, H, W] float32, distance of each pixel to the nearest boundary: wanted where the surface term has a weight. */
  readonly distances?: Tensor | null;
  /** Factors of focal and cross-entropy, one a class. */
  readonly classWeights?: readonly number[] | null;
  readonly focalAlpha?: number;
  readonly focalGamma?: number;
  readonly diceSmooth?: number;
  /** The label of pixels that count nowhere. */
  readonly ignoreIndex?: number;
}

/**
 * AD-SAM's hybrid loss in one operator, on the CPU: the weighted sum of five terms from one softmax, Lovász-softmax a picture at a time.
 * The gradient is made with the value and is the only map of all classes that stays until backward (channels-last logits take a second
 * one while it is made). Half and bfloat16 logits are computed in float32.
 *
 * @param logits [B, C, H, W]; contiguous or channels-last, and the gradient follows
 * @param labels [B, H, W], int64 or uint8: class numbers below C, or `ignoreIndex`
 * @returns the sum [], differentiable once, and the five terms [5] before their weights, 0 where not computed and without a graph;
 *   float32, or float64 where the logits are
 * @throws Error on a label that is neither a class nor ignored, and on shapes or dtypes that do not fit
 */
export function hybridLoss(
  logits: Tensor,
  labels: Tensor,
  {
    weights,
    distances,
    classWeights,
    focalAlpha = 0.25,
    focalGamma = 2,
    diceSmooth = 1e-6,
    ignoreIndex = 255,
  }: HybridLossOptions,
): readonly [total: Tensor, terms: Tensor] {
  const args = [
    logits,
    labels,
    distances ?? undefined,
    weights,
    classWeights ?? [],
    focalAlpha,
    focalGamma,
    diceSmooth,
    ignoreIndex,
  ];
  return callKernel("hybrid_loss", args) as readonly [Tensor, Tensor];
}
