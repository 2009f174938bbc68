import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface LovaszSoftmaxOptions {
  /** The label of pixels that count nowhere. */
  readonly ignoreIndex?: number;
  /** One Jaccard index a picture, averaged over pictures; otherwise one over all pixels of the batch. */
  readonly perImage?: boolean;
}

/**
 * Lovász-softmax (Berman et al. 2018, eq. 11 and algorithm 1): the Lovász extension of the mean Jaccard loss over the classes that
 * occur in the labels. A picture whose pixels are all ignored counts as a picture of loss 0 with zero gradient.
 *
 * The gradient is made with the value, one sort for both, and keeps one number a probability until backward.
 *
 * @param probabilities [B, C, H, W] after softmax, in [0, 1]
 * @param labels [B, H, W], int64 or uint8: class numbers below C, or `ignoreIndex`
 * @returns a scalar in [0, 1]; float32 also for half and bfloat16 probabilities
 * @throws Error on a label that is neither a class nor ignored, and on shapes or dtypes that do not fit
 */
export function lovaszSoftmax(
  probabilities: Tensor,
  labels: Tensor,
  { ignoreIndex = 255, perImage = true }: LovaszSoftmaxOptions = {},
): Tensor {
  return callKernel("lovasz_softmax", [probabilities, labels, ignoreIndex, perImage]) as Tensor;
}
