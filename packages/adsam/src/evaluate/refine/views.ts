import { resizeBilinear } from "@adsam/kernels";
import { cat, scope, send, Tensor } from "@adsam/torch";
import type { Compute } from "../../compute.js";
import { withPrecision } from "../../compute.js";
import type { Picture, Size } from "../../data/picture.js";
import { normalise } from "../../data/transforms/normalise.js";
import { resizeBilinear as resizePicture } from "../../data/transforms/resize.js";
import { type Refinement, viewSizes } from "./options.js";

export interface Looking {
  /** The network's own input size. */
  readonly input: Size;
  readonly compute: Compute;
  /** [B, 3, h, w] → logits [B, C, h, w], in evaluation mode; h and w multiples of 32 */
  readonly forward: (image: Tensor) => Tensor;
}

/**
 * What a network says of pictures on average over several looks: at each scale, resized from the picture itself as for a single look,
 * and at the mirror image of each. The whole network looks again, its frozen encoder too, whose positions are interpolated to the
 * size: no stored embedding stands in for it.
 *
 * @returns probabilities, float32 [B, C, H, W] at the network's input size
 */
export function averagedProbabilities(
  pictures: readonly Picture[],
  { mirror = false, scales }: Refinement,
  { input, compute, forward }: Looking,
): Tensor {
  const sizes = viewSizes(input, scales);
  return scope(() => {
    let sum: Tensor | undefined;
    const add = (probabilities: Tensor): void => {
      const sized = resizeBilinear(probabilities, input, { layout: "row-major" });
      sum = sum ? sum.add(sized) : sized;
    };
    const look = (image: Tensor): Tensor =>
      withPrecision(compute, () => forward(image))
        .to({ dtype: "float32" })
        .softmax(1); // [B, C, h, w]
    for (const size of sizes) {
      const images = pictures.map((picture) =>
        Tensor.share(normalise(resizePicture(picture, size)), [1, 3, size.height, size.width]),
      );
      const image = send(images.length === 1 ? images[0]! : cat(images), compute.device); // [B, 3, h, w]
      add(look(image));
      if (mirror) add(look(image.flip([3])).flip([3]));
    }
    return sum!.mul(1 / (sizes.length * (mirror ? 2 : 1)));
  });
}
