import { isGradEnabled, type Tensor } from "@adsam/torch";
import { callKernel } from "./library.js";

/** A linear layer: weight [out, in], float32 or bfloat16, bias [out]. */
export interface TokenLayer {
  readonly weight: Tensor;
  readonly bias?: Tensor | undefined;
}

export interface TokenOptions {
  /** A layer norm over the last dimension that comes before. */
  readonly norm?: { readonly weight: Tensor | undefined; readonly bias: Tensor | undefined; readonly eps: number };
  /** Added to the result; what broadcasts to its shape. */
  readonly residual?: Tensor;
}

/**
 * Whether `tokenLinear` and `tokenMlp` serve these tensors here and now: all on the CPU, float32 or bfloat16, and no graph is recorded
 * through any of them. Elsewhere plain layers do the same.
 */
export function servesTokens(...tensors: readonly (Tensor | undefined)[]): boolean {
  const recording = isGradEnabled();
  return tensors.every(
    (tensor) =>
      tensor === undefined ||
      (tensor.device === "cpu" &&
        (tensor.dtype === "float32" || tensor.dtype === "bfloat16") &&
        !(recording && tensor.requiresGrad)),
  );
}

/**
 * norm(x)·Wᵀ + bias + residual in one pass over the tokens, for inference on the CPU: no backward. The weight is packed at every call, a
 * hundredth of the work for thousands of tokens, so nothing is kept beside it. Under bfloat16 autocast products are of bfloat16 (the weight
 * is converted as it is packed); norm, sums and residual stay float32.
 * @param x [..., in], float32 or bfloat16
 * @returns [..., out]: float32; under autocast and without a residual bfloat16
 * @throws Error that names the argument that does not fit, or that requires gradients while a graph is recorded
 */
export function tokenLinear(x: Tensor, { weight, bias }: TokenLayer, { norm, residual }: TokenOptions = {}): Tensor {
  const args = [x, weight, bias, norm?.weight, norm?.bias, norm?.eps ?? 0, residual, false];
  return callKernel("token_linear", args) as Tensor;
}

/**
 * lin2(gelu(lin1(norm(x)))) + residual, with GELU by the error function, as `tokenLinear`: what lies between the layers never leaves the
 * processor's cache.
 * @param x [..., in], float32 or bfloat16
 * @returns [..., out], float32
 */
export function tokenMlp(x: Tensor, lin1: TokenLayer, lin2: TokenLayer, { norm, residual }: TokenOptions = {}): Tensor {
  const layers = [lin1.weight, lin1.bias, lin2.weight, lin2.bias];
  return callKernel("token_mlp", [x, norm?.weight, norm?.bias, norm?.eps ?? 0, ...layers, residual, false]) as Tensor;
}
