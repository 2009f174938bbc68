import { noGrad, Problem, scope, send, Tensor } from "@adsam/torch";
import { type Compute, withPrecision } from "../compute.js";
import { pixels, type Size } from "../data/picture.js";
import type { ImageEncoder } from "../models/encoders.js";

/**
 * A picture's embedding. It goes through the encoder by itself, so that the bits do not depend on what else is in a batch.
 * @param encoder on the device, in evaluation mode
 * @param image [3, H, W], normalised
 * @returns [C, h, w], float32, on the CPU
 */
export function encodeAlone(encoder: ImageEncoder, image: Float32Array, size: Size, compute: Compute): Tensor {
  if (image.length !== 3 * pixels(size))
    throw new RangeError(`a picture of ${image.length} values for ${size.height}×${size.width} pixels`);
  if (encoder.training)
    throw new Problem({ what: "encoder of embeddings", found: "training mode", expected: "evaluation mode" });
  return noGrad(() =>
    scope(() => {
      const batch = send(Tensor.share(image, [1, 3, size.height, size.width]), compute.device);
      const embedding = withPrecision(compute, () => encoder.call(batch)); // [1, C, h, w]
      return embedding.select(0, 0).to({ dtype: "float32", device: "cpu" });
    }),
  );
}
