import { callOperator, nn, type Tensor } from "@adsam/torch";

/**
 * GELU in the memory of `x` itself where no gradient is recorded: the widest maps hold 64 MB, and a second one costs as much time as
 * the function. `x` must be nobody else's.
 */
export function ownGelu(x: Tensor): Tensor {
  if (x.requiresGrad) return nn.functional.gelu(x);
  return callOperator("aten::gelu_", "", [x, "none"]) as Tensor;
}

/** The same for a map [B, C, H, W] that lies channels last: libtorch's fast kernel wants to see it as the row-major tensor it is. */
export function ownMapGelu(map: Tensor): Tensor {
  return ownGelu(map.permute([0, 2, 3, 1])).permute([0, 3, 1, 2]);
}
