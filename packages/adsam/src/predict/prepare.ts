import type { Picture, Size } from "../data/picture.js";
import { normalise } from "../data/transforms/normalise.js";
import { resizeBilinear } from "../data/transforms/resize.js";

/** A picture, and what the network sees of it. */
export interface PreparedPicture {
  readonly picture: Picture;
  /** [3, H, W] at the network's input size, ImageNet mean and deviation. */
  readonly image: Float32Array;
}

/** Exactly what evaluation does to a picture. Needs no libtorch. */
export function preparePicture(picture: Picture, input: Size): PreparedPicture {
  return { picture, image: normalise(resizeBilinear(picture, input)) };
}
