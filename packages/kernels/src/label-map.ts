import type { Size, Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/**
 * The most likely class of each pixel at another size: logits are enlarged (bilinear, as `interpolate` with aligned corners off), then
 * the greatest is taken, the first of equals. The enlarged logits are never stored.
 *
 * @param logits [B, C, h, w], any floating dtype, 1 to 254 classes
 * @returns uint8 [B, size.height, size.width]
 * @throws Error for another rank or dtype, or a size of 0
 */
export function labelMap(logits: Tensor, { height, width }: Size): Tensor {
  return callKernel("label_map", [logits, height, width]) as Tensor;
}
