import { autocast, type Dtype, Problem, scope, send, Tensor } from "@adsam/torch";
import { checkLabels } from "./labels.js";
import { softmaxAtLabels } from "./softmax-at-labels.js";

/** A batch of logits beside its labels: what every loss starts from, made once and shared by the terms of the hybrid. */
export interface Prediction {
  /** [B, C, H, W], softmax over the classes; float32, or float64 where the logits are. */
  readonly probabilities: Tensor;
  /** [B, H, W], log of the probability of the label's own class, ≤ 0; 0 where ignored. */
  readonly labelLogProbability: Tensor;
  /** [B, C], each class's probabilities summed over the pixels that count. */
  readonly classMass: Tensor;
  /** [B, H, W], as given: uint8 or int64. */
  readonly labels: Tensor;
  /** [B, H, W] int64, the labels with 0 in place of ignored ones: safe to gather with. */
  readonly labelIndex: Tensor;
  /** [B, H, W], 1 where a pixel counts, 0 where it is ignored; the dtype of the probabilities. */
  readonly valid: Tensor;
  /** Number of pixels that count, at least 1: what a mean divides by. A tensor [], so that no device is waited for. */
  readonly validCount: Tensor;
  readonly ignoreIndex: number;
}

/**
 * Softmax of the logits, read at the labels. Half-precision logits are computed in float32.
 * @param logits [B, C, H, W]
 * @param labels [B, H, W], uint8 or int64: 0 … C − 1, or `ignoreIndex`
 * @throws Problem for shapes and dtypes that do not belong together and, on the CPU, for labels out of range (on CUDA, where
 *   looking would wait for the device, call `checkLabels`)
 */
export function predict(
  logits: Tensor,
  labels: Tensor,
  { ignoreIndex = 255 }: { ignoreIndex?: number } = {},
): Prediction {
  checkShapes(logits, labels);
  if (labels.device === "cpu") checkLabels(labels, { numClasses: logits.size(1), ignoreIndex });
  return inFullPrecision(logits, () =>
    scope(() => {
      const dtype: Dtype = logits.dtype === "float64" ? "float64" : "float32";
      const wide = labels.to({ dtype: "int64" });
      const ignored = wide.eq(ignoreIndex);
      const labelIndex = wide.maskedFill(ignored, 0); // [B, H, W]
      const valid = ignored.logicalNot().to({ dtype }); // [B, H, W]
      const validCount = valid.sum().clamp({ min: 1 });
      const [probabilities, labelLogProbability, classMass] = softmaxAtLabels(logits.to({ dtype }), {
        labelIndex,
        ignored,
        valid,
      });
      return { probabilities, labelLogProbability, classMass, labels, labelIndex, valid, validCount, ignoreIndex };
    }),
  );
}

/** Runs `body` without mixed precision: sums over a million pixels need more digits than 16-bit floats have. */
export function inFullPrecision<T>(like: Tensor, body: () => T): T {
  return autocast({ device: like.device.startsWith("cuda") ? "cuda" : "cpu", dtype: "float32" }, body);
}

/**
 * The factor of each pixel's class, [B, H, W]; 0 where the pixel is ignored.
 * @param factors one a class, in train-id order
 * @throws Problem where there are not as many as classes
 */
export function pixelWeights(factors: readonly number[], { probabilities, labelIndex, valid }: Prediction): Tensor {
  checkClassWeights(factors, probabilities.size(1));
  const table = send(Tensor.of(factors, { dtype: probabilities.dtype }), probabilities.device);
  return table.indexSelect(0, labelIndex.flatten()).view(labelIndex.shape).mul(valid);
}

/** @throws Problem where there are not as many factors as classes */
export function checkClassWeights(factors: readonly number[], numClasses: number): void {
  if (factors.length !== numClasses)
    throw new Problem({
      what: "class weights",
      found: `${factors.length} of them`,
      expected: `${numClasses}, one a class in train-id order`,
    });
}

/** @throws Problem for shapes, dtypes and devices that do not belong together */
export function checkShapes(logits: Tensor, labels: Tensor): void {
  const [b, , h, w] = logits.dims4("logits");
  const [labelB, labelH, labelW] = labels.dims3("labels");
  if (b !== labelB || h !== labelH || w !== labelW)
    throw new Problem({
      what: "labels",
      found: `[${labels.shape.join(", ")}]`,
      expected: `[${b}, ${h}, ${w}], the batch, height and width of the logits [${logits.shape.join(", ")}]`,
      todo: "Upsample the logits to the labels' size before the loss.",
    });
  if (labels.dtype !== "uint8" && labels.dtype !== "int64")
    throw new Problem({ what: "labels", found: `dtype ${labels.dtype}`, expected: "uint8 or int64" });
  if (!/^b?float/.test(logits.dtype))
    throw new Problem({ what: "logits", found: `dtype ${logits.dtype}`, expected: "a floating-point dtype" });
  if (logits.device !== labels.device)
    throw new Problem({
      what: "labels",
      found: `them on ${labels.device}`,
      expected: `${logits.device}, as the logits`,
    });
}
