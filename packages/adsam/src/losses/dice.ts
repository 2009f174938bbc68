import { scope, type Tensor, zeros } from "@adsam/torch";
import { inFullPrecision, type Prediction } from "./prediction.js";

/**
 * Dice loss (Milletari et al., "V-Net", 2016, §3) as AD-SAM uses it: for each picture and class
 *
 *     1 − (2 Σ p_c y_c + s) / (Σ p_c + Σ y_c + s)
 *
 * over the pixels that count, then the mean over all pictures and all classes. A class absent from the picture is not left out: any
 * probability given to it costs nearly 1, and a picture without it can reach 0 only by giving it none. In [0, 1]; a picture with no
 * pixel that counts adds 0.
 * @param options.smooth s, in pixels; decides only what an empty class without any probability scores (0)
 * @returns a scalar []
 */
export function diceLoss(prediction: Prediction, { smooth = 1e-6 }: { readonly smooth?: number } = {}): Tensor {
  const { probabilities, labelLogProbability, classMass, labelIndex, valid } = prediction;
  return inFullPrecision(probabilities, () =>
    scope(() => {
      const [b, c] = probabilities.dims4("probabilities");
      const index = labelIndex.view([b, -1]); // [B, H·W]
      // Σ over the pixels of each class. One at a time in float32, a million additions would lose four digits.
      const perClass = (map: Tensor): Tensor =>
        zeros([b, c], { dtype: "float64", device: map.device }).scatterAdd_(
          1,
          index,
          map.reshape([b, -1]).to({ dtype: "float64" }),
        );
      const overlap = perClass(labelLogProbability.exp().mul(valid)); // [B, C], Σ p_c y_c
      const size = perClass(valid); // [B, C], Σ y_c
      const score = overlap.mul(2).add(smooth).div(classMass.add(size).add(smooth));
      return score.mean().neg().add(1).to({ dtype: probabilities.dtype });
    }),
  );
}
