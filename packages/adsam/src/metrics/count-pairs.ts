import { confusionMatrix } from "@adsam/kernels/confusion-matrix";
import { scope, Tensor } from "@adsam/torch";

/** What the kernel takes as classes; its ids are bytes. */
const mostClasses = 254;

/**
 * How often each label meets each prediction: [numClasses + 2, numClasses + 1], row-major. Rows: the label's class, the ignored
 * label, labels that are neither; columns: the predicted class, predictions that are none.
 */
export function countPairs(
  prediction: ArrayLike<number>,
  label: ArrayLike<number>,
  numClasses: number,
  ignoreIndex: number,
): Float64Array {
  if (prediction instanceof Uint8Array && label instanceof Uint8Array && numClasses <= mostClasses)
    return scope(() => {
      const [guess, truth] = [prediction, label].map((ids) => Tensor.share(ids, [ids.length])) as [Tensor, Tensor];
      const counts = confusionMatrix(guess, truth, { classes: numClasses, ignoreIndex });
      return counts.to({ dtype: "float64" }).toArray() as Float64Array;
    });
  return countOneByOne(prediction, label, numClasses, ignoreIndex);
}

/** {@link countPairs} for numbers of any kind, and what the kernel is held against. */
export function countOneByOne(
  prediction: ArrayLike<number>,
  label: ArrayLike<number>,
  numClasses: number,
  ignoreIndex: number,
): Float64Array {
  const counts = new Float64Array((numClasses + 2) * (numClasses + 1));
  const isClass = (id: number) => id >= 0 && id < numClasses;
  for (let i = 0; i < label.length; i++) {
    const [truth, guess] = [label[i]!, prediction[i]!];
    const row = isClass(truth) ? truth : truth === ignoreIndex ? numClasses : numClasses + 1;
    counts[row * (numClasses + 1) + (isClass(guess) ? guess : numClasses)]!++;
  }
  return counts;
}
