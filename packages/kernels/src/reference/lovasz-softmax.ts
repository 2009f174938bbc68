import { Tensor } from "@adsam/torch";
import type { LovaszSoftmaxOptions } from "../lovasz-softmax.js";

/** Lovász-softmax after the paper's algorithm 1, in plain tensor operators. Arguments as for `lovaszSoftmax`, unchecked. */
export function lovaszSoftmaxReference(
  probabilities: Tensor,
  labels: Tensor,
  { ignoreIndex = 255, perImage = true }: LovaszSoftmaxOptions = {},
): Tensor {
  const [b, c] = probabilities.dims4("probabilities");
  const units = perImage ? b : 1;
  const scores = probabilities
    .reshape([units, b / units, c, -1])
    .transpose(1, 2)
    .reshape([units, c, -1]);
  const flat = labels.to({ dtype: "int64" }).reshape([units, -1]);
  let sum = probabilities.sum().mul(0);
  for (let unit = 0; unit < units; unit++) {
    const label = flat.select(0, unit);
    const valid = label.ne(ignoreIndex).nonzero().squeeze(1);
    sum = sum.add(meanOverClasses(scores.select(0, unit).indexSelect(1, valid), label.indexSelect(0, valid)));
  }
  return sum.div(units);
}

/** Probabilities [C, P] and labels [P] of valid pixels → the mean over the classes that occur, 0 where none does. */
function meanOverClasses(probabilities: Tensor, labels: Tensor): Tensor {
  const losses: Tensor[] = [];
  for (let label = 0; label < probabilities.size(0); label++) {
    const truth = labels.eq(label).to({ dtype: probabilities.dtype }); // 1 where the pixel is of the class
    if (truth.sum().item() === 0) continue;
    const [errors, order] = truth.sub(probabilities.select(0, label)).abs().sort({ descending: true });
    losses.push(errors.dot(jaccardSteps(truth.indexSelect(0, order))));
  }
  if (losses.length === 0) return Tensor.of(0, { dtype: probabilities.dtype });
  return losses.reduce((a, b) => a.add(b)).div(losses.length);
}

/** How much the Jaccard loss grows with each pixel that joins the mistaken ones, greatest error first: [P] → [P]. */
function jaccardSteps(truth: Tensor): Tensor {
  const total = truth.sum();
  const intersection = total.sub(truth.cumsum(0));
  const union = total.add(truth.neg().add(1).cumsum(0));
  const loss = intersection.div(union).neg().add(1);
  return loss.sub(loss.roll([1], { dims: [0] }).mul(firstZero(loss)));
}

/** [P]: zero, then ones. */
function firstZero(like: Tensor): Tensor {
  const mask = like.onesLike();
  mask.narrow(0, 0, 1).zero_();
  return mask;
}
