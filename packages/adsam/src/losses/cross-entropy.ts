import { scope, type Tensor } from "@adsam/torch";
import { inFullPrecision, type Prediction, pixelWeights } from "./prediction.js";

/**
 * Cross-entropy, the loss of the paper's ablation: mean over the pixels that count of −log p_t. With class weights w the weighted mean
 * Σ w_t (−log p_t) / Σ w_t, as PyTorch has it. ≥ 0; 0 where no pixel counts.
 * @returns a scalar []
 */
export function crossEntropyLoss(
  prediction: Prediction,
  { classWeights }: { readonly classWeights?: readonly number[] | null } = {},
): Tensor {
  const { labelLogProbability: logP, validCount } = prediction; // [B, H, W], 0 where ignored
  return inFullPrecision(logP, () =>
    scope(() => {
      if (!classWeights) return logP.sum().neg().div(validCount);
      const weights = pixelWeights(classWeights, prediction); // [B, H, W], 0 where ignored
      // Where every weight is 0, so is the numerator.
      return logP
        .mul(weights)
        .sum()
        .neg()
        .div(weights.sum().clamp({ min: 1e-12 }));
    }),
  );
}
