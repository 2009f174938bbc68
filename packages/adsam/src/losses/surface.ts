import { customFunction, Problem, scope, type Tensor } from "@adsam/torch";
import { boundaryDistance, signedDistances } from "./distances.js";
import { inFullPrecision, type Prediction } from "./prediction.js";

/** `distance`: the authors' weighting by the distance to a boundary. `signed`: the boundary loss of Kervadec et al. */
export type SurfaceForm = "distance" | "signed";

export interface SurfaceOptions {
  readonly form?: SurfaceForm;
  /**
   * The distances of these labels in pixels, where they are known (see `DistanceMaps`): [B, H, W] for `distance`, [B, C, H, W] for
   * `signed` with 0 at ignored pixels. Computed from the labels otherwise.
   */
  readonly maps?: Tensor;
}

/**
 * Surface loss of AD-SAM, in two forms. Both are a mean over all B·C·H·W elements, ignored ones included with weight 0.
 *
 * `distance`, the authors' code: |p_c − y_c| d, with d the Euclidean distance in pixels to the nearest pixel that lies beside another
 * label. As probabilities sum to 1, Σ_c |p_c − y_c| = 2 (1 − p_t), and only the label's own probability is needed. ≥ 0.
 *
 * `signed`, Kervadec et al., "Boundary loss for highly unbalanced segmentation" (2019), eq. 5: p_c φ_c, with φ_c the distance to
 * class c's region, positive outside and negative inside. May be negative; smaller is better.
 *
 * @returns a scalar []
 * @throws Problem for maps of another shape
 */
export function surfaceLoss(prediction: Prediction, { form = "distance", maps }: SurfaceOptions = {}): Tensor {
  const { probabilities, labelLogProbability, labels, ignoreIndex } = prediction;
  const [b, c, h, w] = probabilities.dims4("probabilities");
  const expected = form === "distance" ? [b, h, w] : [b, c, h, w];
  if (maps && maps.shape.join() !== expected.join())
    throw new Problem({
      what: `distance maps of the surface loss, form "${form}"`,
      found: `[${maps.shape.join(", ")}]`,
      expected: `[${expected.join(", ")}]`,
    });
  const elements = b * c * h * w;
  return inFullPrecision(probabilities, () =>
    scope(() => {
      if (form === "distance") {
        const distance = maps ?? boundaryDistance(labels); // [B, H, W]
        const miss = labelLogProbability.expm1().neg(); // 1 - p_t; 0 where ignored
        return miss
          .mul(distance)
          .sum()
          .mul(2 / elements);
      }
      const signed = maps ?? signedDistances(labels, { numClasses: c, ignoreIndex }); // [B, C, H, W], 0 where ignored
      return innerProduct(probabilities, signed.to({ dtype: probabilities.dtype })).div(elements);
    }),
  );
}

/** Σ p φ over all elements, a scalar [], differentiated by p. Sums row by row, without a map of the products. */
function innerProduct(p: Tensor, phi: Tensor): Tensor {
  const [b, c, h, w] = p.dims4("probabilities");
  return customFunction<readonly [Tensor], Tensor>("innerProduct", {
    forward(context, p) {
      context.saved = [phi];
      return p
        .reshape([b * c, 1, h * w])
        .bmm(phi.reshape([b * c, h * w, 1]))
        .sum();
    },
    backward: ({ saved: [phi] }, cotangent) => [cotangent && phi!.mul(cotangent)],
  })(p);
}
