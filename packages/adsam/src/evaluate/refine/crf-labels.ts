import { type DenseCrfOptions, denseCrf, labelMap, resizeBilinear } from "@adsam/kernels";
import { scope, Tensor } from "@adsam/torch";
import { type LabelMap, type Picture, type Size, sameSize } from "../../data/picture.js";
import { resizeBilinear as resizePicture } from "../../data/transforms/resize.js";

/**
 * The most likely class of each pixel after a dense CRF over the picture's colours, at the size asked for; on the CPU.
 * @param answer [1, C, h, w]: logits, or probabilities; enlarged first
 */
export function crfLabels(
  answer: Tensor,
  meaning: "logits" | "probabilities",
  picture: Picture,
  size: Size,
  options: DenseCrfOptions,
): LabelMap {
  const { height, width } = size;
  return scope(() => {
    const onCpu = answer.to({ device: "cpu", dtype: "float32" });
    const enlarged = resizeBilinear(onCpu, size, { layout: "row-major" });
    const probabilities = (meaning === "logits" ? enlarged.softmax(1) : enlarged).squeeze(0); // [C, height, width]
    const { data } = sameSize(picture.size, size) ? picture : resizePicture(picture, size);
    const marginals = denseCrf(probabilities, Tensor.share(data, [height, width, 3]), options);
    return { data: labelMap(marginals.unsqueeze(0), size).toArray() as Uint8Array, size };
  });
}
