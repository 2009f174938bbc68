import { type nn, scope } from "@adsam/torch";
import type { Numbers } from "./work.js";

/** The norm of each parameter's gradient, by state-dict name. */
export function gradientNorms(module: nn.Module): Numbers {
  const norms: [string, number][] = [];
  for (const [name, { grad }] of module.namedParameters())
    if (grad) norms.push([name, scope(() => grad.to({ dtype: "float64" }).linalgVectorNorm().item())]);
  return Object.fromEntries(norms);
}
