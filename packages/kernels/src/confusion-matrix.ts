import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

export interface ConfusionMatrixOptions {
  /** 1 to 254; class `k` is the id `k`. */
  readonly classes: number;
  /** The label that counts nowhere; no class. */
  readonly ignoreIndex?: number;
}

/**
 * How often each label meets each prediction, in one pass over both.
 *
 * @param prediction, label whole numbers of any width, as many of one as of the other, any shape
 * @returns int64 [classes + 2, classes + 1]. Rows: the label's class, then the ignored label, then labels that are neither;
 * columns: the predicted class, then predictions that are none. Nothing is refused here: the last row and column say what ought to be.
 * @throws Error for other dtypes, unequal numbers, or an ignore index that is a class
 */
export function confusionMatrix(
  prediction: Tensor,
  label: Tensor,
  { classes, ignoreIndex = 255 }: ConfusionMatrixOptions,
): Tensor {
  return callKernel("confusion_matrix", [prediction, label, classes, ignoreIndex]) as Tensor;
}
