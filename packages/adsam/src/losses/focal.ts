import { scope, type Tensor } from "@adsam/torch";
import { inFullPrecision, type Prediction, pixelWeights } from "./prediction.js";

export interface FocalOptions {
  /** Factor of the whole term; Lin et al. weigh foreground against background by it, with many classes it only scales. */
  readonly alpha?: number;
  /** How strongly easy pixels are played down: 0 is the cross-entropy. */
  readonly gamma?: number;
  /** One factor a class, in train-id order. */
  readonly classWeights?: readonly number[] | null;
}

/**
 * Focal loss (Lin et al., "Focal Loss for Dense Object Detection", 2017, eq. 5) as AD-SAM uses it:
 * mean over the pixels that count of −α (1 − p_t)^γ log p_t, p_t the probability of the pixel's own class. ≥ 0; 0 where none counts.
 * @returns a scalar []
 */
export function focalLoss(
  prediction: Prediction,
  { alpha = 0.25, gamma = 2, classWeights }: FocalOptions = {},
): Tensor {
  const { labelLogProbability: logP, validCount } = prediction; // [B, H, W], 0 where ignored: such a pixel adds 0
  return inFullPrecision(logP, () =>
    scope(() => {
      const miss = logP.expm1().neg(); // 1 - p_t, exact also where p_t is nearly 1
      // The floor keeps the slope finite where γ < 1 and p_t = 1.
      const focus = gamma === 2 ? miss.square() : miss.clamp({ min: 1e-12 }).pow(gamma);
      const loss = focus.mul(logP);
      const weighted = classWeights ? loss.mul(pixelWeights(classWeights, prediction)) : loss;
      return weighted.sum().mul(-alpha).div(validCount);
    }),
  );
}
