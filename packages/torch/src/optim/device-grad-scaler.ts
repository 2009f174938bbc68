import { full, zeros } from "../generated/functions.js";
import { noGrad } from "../mode.js";
import { callOperator } from "../operators.js";
import { Problem } from "../problem.js";
import { keep, scope } from "../scope.js";
import type { Tensor } from "../tensor.js";
import { gradsOf } from "./clip.js";
import type { GradScalerOptions, GradScalerState } from "./grad-scaler.js";
import { entriesOf, numberIn } from "./state.js";

/**
 * `GradScaler` for a GPU, where nothing may wait: factor, growth and the finding of overflows stay on the device, and the optimiser is
 * told there to leave a step out.
 *
 * ```ts
 * scaler.scale(loss).backward();
 * const overflowed = scaler.unscale_(params); // scalar, 1 where a gradient is not finite
 * optimizer.step({ leaveOut: overflowed });
 * scaler.update(overflowed);
 * ```
 */
export class DeviceGradScaler {
  private readonly factor: Tensor; // float32 []
  private readonly growthTracker: Tensor; // int32 []
  private readonly options: Required<Omit<GradScalerOptions, "enabled" | "initScale">>;

  constructor(
    device: Tensor["device"],
    { initScale = 2 ** 16, growthFactor = 2, backoffFactor = 0.5, growthInterval = 2000 }: GradScalerOptions = {},
  ) {
    this.options = { growthFactor, backoffFactor, growthInterval };
    this.factor = keep(full([], initScale, { dtype: "float32", device }));
    this.growthTracker = keep(zeros([], { dtype: "int32", device }));
  }

  /** The factor in force: float32 [], the scaler's own. */
  get scaleFactor(): Tensor {
    return this.factor;
  }

  /** The loss, multiplied. */
  scale(loss: Tensor): Tensor {
    return loss.mul(this.factor);
  }

  /** Divides the gradients by the factor. @returns float32 []: 1 where one of them holds a value that is not finite, else 0 */
  unscale_(params: Iterable<Tensor>): Tensor {
    return noGrad(() =>
      scope(() => {
        const found = zeros([], { dtype: "float32", device: this.factor.device });
        const grads = gradsOf(params);
        const inverse = this.factor.to({ dtype: "float64" }).reciprocal().to({ dtype: "float32" });
        if (grads.length > 0)
          callOperator("aten::_amp_foreach_non_finite_check_and_unscale_", "", [grads, found, inverse]);
        return found;
      }),
    );
  }

  /** Adapts the factor to what the step's gradients were; the last call of a step. */
  update(overflowed: Tensor): void {
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    noGrad(() =>
      callOperator("aten::_amp_update_scale_", "", [
        this.factor,
        this.growthTracker,
        overflowed,
        growthFactor,
        backoffFactor,
        growthInterval,
      ]),
    );
  }

  /** By PyTorch's names; reads from the device. */
  stateDict(): GradScalerState {
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    return {
      scale: this.factor.item(),
      growth_factor: growthFactor,
      backoff_factor: backoffFactor,
      growth_interval: growthInterval,
      _growth_tracker: this.growthTracker.item(),
    };
  }

  /** @throws Problem for what is no scaler's state */
  loadStateDict(saved: GradScalerState | ReadonlyMap<unknown, unknown>): void {
    const record = entriesOf(saved, "the scaler's state");
    if (record.size === 0) return;
    const scale = numberIn(record, "scale", Number.NaN);
    if (!(scale > 0))
      throw new Problem({ what: "the scaler's state", found: `scale ${scale}`, expected: "a number above 0" });
    noGrad(() => {
      this.factor.fill_(scale);
      this.growthTracker.fill_(numberIn(record, "_growth_tracker", 0));
    });
    const { growthFactor, backoffFactor, growthInterval } = this.options;
    Object.assign(this.options, {
      growthFactor: numberIn(record, "growth_factor", growthFactor),
      backoffFactor: numberIn(record, "backoff_factor", backoffFactor),
      growthInterval: numberIn(record, "growth_interval", growthInterval),
    });
  }

  /** Frees its tensors. */
  dispose(): void {
    this.factor.dispose();
    this.growthTracker.dispose();
  }
}
