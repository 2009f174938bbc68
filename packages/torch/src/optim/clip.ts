import { foreachMul_, foreachNorm, stack, zeros } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";

/**
 * Shortens all gradients by one factor, so that their norm taken together is at most `maxNorm`.
 * @param maxNorm `Infinity` leaves them as they are and only takes the norm
 * @param options.normType 2 by default; `Infinity` for the largest element
 * @param options.errorIfNonfinite throws where the norm is infinite or not a number, before anything is changed
 * @returns the norm before, a scalar on the gradients' device: on a GPU nothing waits for it
 */
export function clipGradNorm_(
  params: Iterable<Tensor>,
  maxNorm: number,
  { normType = 2, errorIfNonfinite = false }: { normType?: number; errorIfNonfinite?: boolean } = {},
): Tensor {
  return noGrad(() =>
    scope(() => {
      const grads = gradsOf(params);
      const first = grads[0];
      if (!first) return zeros([], { dtype: "float32" });
      const norms = foreachNorm(grads, { ord: normType }).map((norm) =>
        norm.to({ dtype: "float32", device: first.device }),
      );
      const total = stack(norms).linalgVectorNorm({ ord: normType });
      if (errorIfNonfinite && !Number.isFinite(total.item()))
        throw new Problem({
          what: "clipGradNorm_",
          found: `a gradient norm of ${total.item()}`,
          expected: "a finite one",
          todo: "Lower the learning rate, or look for the first loss that is not finite.",
        });
      if (maxNorm === Number.POSITIVE_INFINITY) return total;
      const factor = total.add(1e-6).reciprocal().mul(maxNorm).clamp({ max: 1 });
      const nothingToDo = first.device === "cpu" && factor.item() === 1;
      if (!nothingToDo) shorten(grads, factor);
      return total;
    }),
  );
}

function shorten(grads: Tensor[], factor: Tensor): void {
  if (factor.device === "cpu") foreachMul_(grads, factor.item());
  else
    foreachMul_(
      grads,
      grads.map((grad) => factor.to({ dtype: grad.dtype, device: grad.device })),
    );
}

/** Brings every element of the gradients into [−limit, limit]. */
export function clipGradValue_(params: Iterable<Tensor>, limit: number): void {
  noGrad(() =>
    scope(() => {
      for (const grad of gradsOf(params)) grad.clamp_({ min: -limit, max: limit });
    }),
  );
}

/** The gradients there are; handles of the current scope. */
export function gradsOf(params: Iterable<Tensor>): Tensor[] {
  return [...params].flatMap((param) => param.grad ?? []);
}
