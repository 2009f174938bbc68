import { labelMap as bestClasses } from "@adsam/kernels";
import { type Size, scope, type Tensor } from "@adsam/torch";
import type { LabelMap } from "../data/picture.js";

/**
 * The most likely class of each pixel, decided at the size asked for: logits are enlarged, never labels shrunk. The first of
 * equals wins.
 * @param logits [1, C, h, w], any floating dtype
 */
export function labelMap(logits: Tensor, size: Size): LabelMap {
  return scope(() => ({ data: bestClasses(logits, size).to({ device: "cpu" }).toArray() as Uint8Array, size }));
}
