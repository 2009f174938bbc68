import { callOperator } from "../operators.js";
import { Problem } from "../problem.js";
import type { Size, Tensor } from "../tensor.js";
import { type Extent, pair } from "./extent.js";

export interface InterpolateOptions {
  /** The size of the result; one of `size` and `scaleFactor` is given. */
  readonly size?: Size;
  /** Sizes are multiplied by it and rounded down. */
  readonly scaleFactor?: Extent;
  readonly mode?: "nearest" | "bilinear" | "bicubic";
  /** Whether the centres of the corner pixels stay in place, rather than the corners of the picture. */
  readonly alignCorners?: boolean;
  /** Widens the filter when shrinking, as Pillow does (bilinear and bicubic). */
  readonly antialias?: boolean;
}

/**
 * A map on another grid: [B, C, H, W] → [B, C, height, width]. Numbers are those of PyTorch's `interpolate`, also where
 * `scaleFactor` is no whole number: the given factor, not the ratio of the sizes, places the samples.
 */
export function interpolate(
  x: Tensor,
  { size, scaleFactor, mode = "nearest", alignCorners = false, antialias = false }: InterpolateOptions,
): Tensor {
  x.dims4("x");
  if ((size === undefined) === (scaleFactor === undefined))
    throw new Problem({
      what: "interpolate",
      found: size ? "both `size` and `scaleFactor`" : "neither `size` nor `scaleFactor`",
      expected: "one of them",
    });
  if (mode === "nearest" && (alignCorners || antialias))
    throw new Problem({
      what: "interpolate",
      found: `mode "nearest" with ${alignCorners ? "alignCorners" : "antialias"}`,
      expected: 'mode "bilinear" or "bicubic" for that',
    });
  const outputSize = size && [size.height, size.width];
  const scales = scaleFactor === undefined ? undefined : pair(scaleFactor);
  const operator = `aten::${antialias ? "_" : ""}upsample_${mode}2d${antialias ? "_aa" : ""}`;
  const corners = mode === "nearest" ? [] : [alignCorners];
  return callOperator(operator, "vec", [x, outputSize, ...corners, scales]) as Tensor;
}

const reductions = { none: 0, mean: 1, sum: 2 } as const;
export type Reduction = keyof typeof reductions;

export interface CrossEntropyOptions {
  /** Targets of this id count neither above nor below the line. */
  readonly ignoreIndex?: number;
  /** float [C]: how much each class counts; "mean" then divides by the weights of the targets. */
  readonly weight?: Tensor;
  readonly reduction?: Reduction;
  readonly labelSmoothing?: number;
}

/**
 * −log softmax(logits)[target], over the pixels that count.
 * @param logits float [B, C, H, W] (or [B, C])
 * @param target int64 [B, H, W] (or [B]), ids 0 … C−1 or `ignoreIndex`; any other id is libtorch's error
 * @returns a scalar; with reduction "none" the shape of `target`, 0 where ignored. The mean over no pixel at all is NaN.
 */
export function crossEntropy(
  logits: Tensor,
  target: Tensor,
  { ignoreIndex = -100, weight, reduction = "mean", labelSmoothing = 0 }: CrossEntropyOptions = {},
): Tensor {
  const [batch, , ...rest] = logits.shape;
  const wanted = [batch, ...rest];
  if (target.dtype !== "int64" || target.shape.join() !== wanted.join())
    throw new Problem({
      what: "crossEntropy: `target`",
      found: `${target.dtype} [${target.shape.join(", ")}]`,
      expected: `int64 [${wanted.join(", ")}] for logits [${logits.shape.join(", ")}]`,
      ...(target.dtype !== "int64" && { todo: 'Convert it with target.to({ dtype: "int64" }).' }),
    });
  return logits.crossEntropyLoss(target, {
    weight: weight ?? null,
    reduction: reductions[reduction],
    ignoreIndex,
    labelSmoothing,
  });
}

export interface PadSides {
  readonly left?: number;
  readonly right?: number;
  readonly top?: number;
  readonly bottom?: number;
}

/** Puts a border around a map, [..., H, W] → [..., top + H + bottom, left + W + right]; a negative side cuts off. */
export function pad(
  x: Tensor,
  { left = 0, right = 0, top = 0, bottom = 0 }: PadSides,
  { mode = "constant", value = 0 }: { mode?: "constant" | "reflect" | "replicate" | "circular"; value?: number } = {},
): Tensor {
  return x.pad([left, right, top, bottom], { mode, ...(mode === "constant" && { value }) });
}

/**
 * x·Φ(x), or its approximation by tanh, with a right gradient in every memory layout. libtorch 1.13's `gelu_backward` goes through oneDNN
 * where x is row-major; handed a gradient that is dense in another order (channels last, a transposed one), oneDNN fills a reordered
 * copy and the result is left as it was allocated. Between two views, the gradient arrives row-major; a copy is made only where it was not.
 */
export function gelu(x: Tensor, { approximate = "none" }: { approximate?: "none" | "tanh" } = {}): Tensor {
  const y = callOperator("aten::gelu", "", [x, approximate]) as Tensor;
  return y.requiresGrad && isRowMajor(y) ? y.reshape([-1]).reshape([...y.shape]) : y;
}

function isRowMajor({ shape, strides }: Tensor): boolean {
  let dense = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== dense) return false;
    dense *= shape[axis]!;
  }
  return true;
}
