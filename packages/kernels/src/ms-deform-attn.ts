import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/**
 * Multi-scale deformable attention (Zhu et al., "Deformable DETR", eq. 3), the sampling and blending of it: every query of a head
 * reads nLevels·nPoints places bilinearly, zero outside a level, and adds them up with its weights. Projections are the caller's.
 *
 * Differentiable once in value, locations and weights. Half and bfloat16 are computed in float32; locations and weights may stay
 * float32 beside a low-precision value, and autocast leaves them so.
 *
 * @param value [B, S, nHeads, headDim], the levels laid end to end, each row by row: S = Σ height·width
 * @param spatialShapes height and width of each level, flat: [H0, W0, H1, W1, …]
 * @param samplingLocations [B, Lq, nHeads, nLevels, nPoints, 2]: (x, y), 0 and 1 being the outer borders of a level
 * @param attentionWeights [B, Lq, nHeads, nLevels, nPoints]; usually a softmax over the last two, which is not checked
 * @returns [B, Lq, nHeads·headDim], of the value's dtype
 * @throws Error that names the argument whose shape, dtype or device does not fit, and what would
 */
export function msDeformAttn(
  value: Tensor,
  spatialShapes: readonly number[],
  samplingLocations: Tensor,
  attentionWeights: Tensor,
): Tensor {
  return callKernel("ms_deform_attn", [value, spatialShapes, samplingLocations, attentionWeights]) as Tensor;
}
