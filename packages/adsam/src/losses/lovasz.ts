import { lovaszSoftmax } from "@adsam/kernels";
import type { Tensor } from "@adsam/torch";
import { inFullPrecision, type Prediction } from "./prediction.js";

/**
 * Lovász-softmax loss (Berman et al., "The Lovász-Softmax loss: a tractable surrogate for the optimization of the
 * intersection-over-union measure", 2018, eq. 12): for each picture the mean over the classes present in it of the Lovász extension
 * of that class's Jaccard loss, then the mean over the pictures. In [0, 1]; a picture with no pixel that counts adds 0.
 * @returns a scalar []
 */
export function lovaszLoss({ probabilities, labels, ignoreIndex }: Prediction): Tensor {
  return inFullPrecision(probabilities, () => lovaszSoftmax(probabilities, labels, { ignoreIndex, perImage: true }));
}
