import { foreachMul_, foreachNorm, stack } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { gradsOf } from "./clip.js";
import { entriesOf, numberIn } from "./state.js";

export interface GradScalerOptions {
  /** The first factor. */
  readonly initScale?: number;
  /** What the factor is multiplied by after `growthInterval` steps without an overflow, and after one with. */
  readonly growthFactor?: number;
  readonly backoffFactor?: number;
  readonly growthInterval?: number;
  /** With false everything passes unchanged, so that a loop is written once. */
  readonly enabled?: boolean;
}

/** By PyTorch's names. */
export type GradScalerState = {
  readonly scale: number;
  readonly growth_factor: number;
  readonly backoff_factor: number;
  readonly growth_interval: number;
  readonly _growth_tracker: number;
};

/** What of an optimiser the scaler needs. */
interface Steppable {
  readonly groups: readonly { readonly params: readonly Tensor[] }[];
  step(): void;
}

/**
 * Loss scaling for float16 (Micikevicius et al. 2018), as `torch.cuda.amp.GradScaler`: multiplies the loss so that small gradients do not
 * vanish, divides the gradients again, and leaves out steps whose gradients overflowed.
 *
 * ```ts
 * scaler.scale(loss).backward();
 * scaler.unscale_(optimizer); // only where something looks at the gradients, such as clipping
 * scaler.step(optimizer);
 * scaler.update();
 * ```
 */
export class GradScaler {
  private factor: number;
  private growthTracker = 0;
  /** Optimisers whose gradients are divided already, and whether those were finite. */
  private readonly unscaled = new Map<Steppable, { finite: boolean; stepped: boolean }>();
  private readonly options: Required<GradScalerOptions>;

  constructor({
    initScale = 2 ** 16,
    growthFactor = 2,
    backoffFactor = 0.5,
    growthInterval = 2000,
    enabled = true,
  }: GradScalerOptions = {}) {
    this.options = { initScale, growthFactor, backoffFactor, growthInterval, enabled };
    this.factor = initScale;
  }

  /** The factor in force; 1 when not enabled. */
  get scaleFactor(): number {
    return this.options.enabled ? this.factor : 1;
  }

  /** The loss, multiplied. */
  scale(loss: Tensor): Tensor {
    return this.options.enabled ? loss.mul(this.factor) : loss;
  }

  /** Divides the gradients of an optimiser's parameters by the factor and looks for values that are not finite. Once a step. */
  unscale_(optimizer: Steppable): void {
    if (!this.options.enabled) return;
    if (this.unscaled.has(optimizer))
      throw new Problem({
        what: "GradScaler.unscale_",
        found: "a second call for one optimiser since update()",
        expected: "one a step",
      });
    const finite = noGrad(() =>
      scope(() => {
        const grads = gradsOf(optimizer.groups.flatMap((group) => group.params));
        if (grads.length === 0) return true;
        foreachMul_(grads, 1 / this.factor);
        // The largest element is infinite or NaN exactly where some element is; a sum could overflow by itself.
        const largest = foreachNorm(grads, { ord: Number.POSITIVE_INFINITY });
        const device = largest[0]!.device;
        const together = stack(largest.map((one) => one.to({ dtype: "float32", device })));
        return together.isfinite().all().item() === 1;
      }),
    );
    this.unscaled.set(optimizer, { finite, stepped: false });
  }

  /** Lets the optimiser step where its gradients are finite. @returns whether it did */
  step(optimizer: Steppable): boolean {
    if (!this.options.enabled) {
      optimizer.step();
      return true;
    }
    if (!this.unscaled.has(optimizer)) this.unscale_(optimizer);
    const entry = this.unscaled.get(optimizer)!;
    if (entry.stepped)
      throw new Problem({
        what: "GradScaler.step",
        found: "a second call for one optimiser since update()",
        expected: "one a step",
      });
    entry.stepped = true;
    if (entry.finite) optimizer.step();
    return entry.finite;
  }

  /** Adapts the factor to what the step's gradients were; the last call of a step. */
  update(): void {
    if (!this.options.enabled) return;
    if (this.unscaled.size === 0)
      throw new Problem({ what: "GradScaler.update", found: "no step since the last", expected: "step() before it" });
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    const overflowed = [...this.unscaled.values()].some(({ finite }) => !finite);
    this.unscaled.clear();
    if (overflowed) {
      this.factor *= backoffFactor;
      this.growthTracker = 0;
    } else if (++this.growthTracker === growthInterval) {
      const grown = Math.fround(this.factor * growthFactor);
      if (Number.isFinite(grown)) this.factor = grown;
      this.growthTracker = 0;
    }
  }

  stateDict(): GradScalerState | Record<string, never> {
    const { growthFactor, backoffFactor, growthInterval, enabled } = this.options;
    if (!enabled) return {};
    return {
      scale: this.factor,
      growth_factor: growthFactor,
      backoff_factor: backoffFactor,
      growth_interval: growthInterval,
      _growth_tracker: this.growthTracker,
    };
  }

  loadStateDict(saved: GradScalerState | Record<string, never> | ReadonlyMap<unknown, unknown>): void {
    const record = entriesOf(saved, "the scaler's state");
    if (!this.options.enabled || record.size === 0) return;
    this.factor = numberIn(record, "scale", this.factor);
    this.growthTracker = numberIn(record, "_growth_tracker", 0);
    Object.assign(this.options, {
      growthFactor: numberIn(record, "growth_factor", this.options.growthFactor),
      backoffFactor: numberIn(record, "backoff_factor", this.options.backoffFactor),
      growthInterval: numberIn(record, "growth_interval", this.options.growthInterval),
    });
  }
}
