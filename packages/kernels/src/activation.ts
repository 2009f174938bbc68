import type { Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/**
 * GELU in its exact form, x·Φ(x), by a polynomial with the accuracy of float32 instead of the C library's erf, in any memory layout;
 * on the CPU its gradient has the layout of the input. Differentiable once. Half and bfloat16 are computed in float32.
 *
 * @param input of any shape
 * @returns of the same shape, dtype and layout
 */
export function gelu(input: Tensor): Tensor {
  return callKernel("gelu", [input]) as Tensor;
}

/**
 * `self.add_(other).relu_()` in one pass over memory: the end of a residual block. Backward needs the result alone.
 *
 * @param self overwritten; no leaf that requires a gradient
 * @param other of the same shape and dtype
 * @returns self
 * @throws Error that names the argument whose shape, dtype or device does not fit
 */
export function addRelu_(self: Tensor, other: Tensor): Tensor {
  return callKernel("add_relu_", [self, other]) as Tensor;
}
