import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/**
 * Exact Euclidean distance transform, in time linear in the pixels: for every nonzero element the distance, in pixels, to the
 * nearest zero element of the same picture; 0 on zero elements. Infinity everywhere in a picture that has no zero element:
 * nothing is near, and a caller that cannot use infinity sees it at once (`isinf`) instead of a made-up number.
 *
 * @param mask [..., H, W], bool or uint8; leading axes are pictures
 * @returns float32 of the same shape; every distance is the float32 nearest to the true one
 * @throws Error when the mask is of another dtype or has fewer than two axes
 */
export function distanceTransform(mask: Tensor): Tensor {
  return callKernel("distance_transform", [mask]) as Tensor;
}
