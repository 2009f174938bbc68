import type { Tensor } from "@adsam/torch";
import type { GroupNormOptions } from "../group-norm.js";

/** Group normalisation from its definition, in plain tensor operators. Arguments as for `groupNorm`, unchecked. */
export function groupNormReference(
  input: Tensor,
  groups: number,
  { weight, bias, eps = 1e-5, activation = "none" }: GroupNormOptions = {},
): Tensor {
  const [b, c, h, w] = input.dims4("input");
  const grouped = input.reshape([b, groups, -1]);
  const centred = grouped.sub(grouped.mean([2], { keepdim: true }));
  const variance = centred.square().mean([2], { keepdim: true });
  let y = centred.div(variance.add(eps).sqrt()).reshape([b, c, h, w]);
  if (weight) y = y.mul(weight.reshape([1, c, 1, 1]));
  if (bias) y = y.add(bias.reshape([1, c, 1, 1]));
  return activation === "gelu" ? y.mul(y.mul(Math.SQRT1_2).erf().add(1)).mul(0.5) : y;
}
