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

/**
 * Squared distance to the nearest boundary between labels, on the CPU, from the labels in one go: for every pixel, to the nearest one
 * that carries another label than its neighbour above, below, left or right; 0 everywhere in a picture of one label.
 *
 * @param labels [B, H, W], uint8 or int64, less than 32768 pixels high and wide
 * @returns int32 [B, H, W], in pixels²
 * @throws Error when the labels are of another dtype or shape
 */
export function boundarySquares(labels: Tensor): Tensor {
  return callKernel("boundary_squares", [labels]) as Tensor;
}
