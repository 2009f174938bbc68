import { nn, type Size, type Tensor } from "@adsam/torch";
import type { LabelMap } from "../data/picture.js";

/**
 * The most likely class of each pixel, decided at the size asked for: logits are enlarged, never labels shrunk.
 * @param logits [1, C, h, w], any floating dtype
 */
export function labelMap(logits: Tensor, size: Size): LabelMap {
  const { height, width } = logits.spatialSize("logits");
  const exact = logits.to({ dtype: "float32", device: "cpu" });
  const sized =
    height === size.height && width === size.width
      ? exact
      : nn.functional.interpolate(exact, { size, mode: "bilinear" });
  const ids = sized.argmax({ dim: 1 }).to({ dtype: "uint8" }); // [1, C, H, W] → [1, H, W]
  return { data: ids.toArray() as Uint8Array, size };
}
