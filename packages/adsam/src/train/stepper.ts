import { optim, scope, stack, type Tensor, zeros } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Optimiser } from "./optimiser.js";
import { Reading } from "./reading.js";

/** What a step came to. */
export interface StepValues {
  /** Of all gradients together, before clipping; where it is not finite nothing has moved. */
  readonly gradNorm: number;
  /**
   * No step will succeed: outside float16 where this one was left out; under float16, where leaving out steps is how the loss scaler finds
   * its factor, when it has found none.
   */
  readonly givenUp: boolean;
}

/** From gradients to moved weights: loss scaling, clipping, the optimiser, and what keeps a step that is not finite from being taken. */
export interface Stepper {
  /** The loss as it is to be differentiated. */
  scale(loss: Tensor): Tensor;
  step(): Reading<StepValues>;
  /** Of the loss scaler; empty without one. */
  stateDict(): optim.GradScalerState | Record<string, never>;
  loadStateDict(saved: ReadonlyMap<unknown, unknown>): void;
  dispose(): void;
}

interface StepperOptions extends Compute {
  readonly clipNorm: number | null;
}

/** Beneath this the loss scaler has given up: not even gradients as small as that fit float16. */
const leastScale = 2 ** -14;

export function stepperFor(optimiser: Optimiser, options: StepperOptions): Stepper {
  return options.device === "cpu" ? new CpuStepper(optimiser, options) : new GpuStepper(optimiser, options);
}

/** The gradients' norm, clipped where the recipe says so: a scalar on the gradients' device. */
function clippedNorm({ groups }: Optimiser, clipNorm: number | null): Tensor {
  return optim.clipGradNorm_(
    groups.flatMap((group) => group.params),
    clipNorm ?? Number.POSITIVE_INFINITY,
  );
}

/** Looks at the norm and then steps: there is nothing to wait for. */
class CpuStepper implements Stepper {
  constructor(
    private readonly optimiser: Optimiser,
    private readonly options: StepperOptions,
  ) {}

  scale(loss: Tensor): Tensor {
    return loss;
  }

  step(): Reading<StepValues> {
    return scope(() => {
      const norm = Reading.of(clippedNorm(this.optimiser, this.options.clipNorm), ([gradNorm]) => ({
        gradNorm: gradNorm!,
        givenUp: !Number.isFinite(gradNorm),
      }));
      if (!norm.value.givenUp) this.optimiser.step();
      return norm;
    });
  }

  stateDict(): Record<string, never> {
    return {};
  }

  loadStateDict(): void {}

  dispose(): void {}
}

/** Leaves the decision to the GPU: whether the step is taken is a number there, and the host goes on without knowing it. */
class GpuStepper implements Stepper {
  private readonly scaler: optim.DeviceGradScaler | undefined;

  constructor(
    private readonly optimiser: Optimiser,
    private readonly options: StepperOptions,
  ) {
    if (options.precision === "float16") this.scaler = new optim.DeviceGradScaler(options.device);
  }

  scale(loss: Tensor): Tensor {
    return this.scaler ? this.scaler.scale(loss) : loss;
  }

  step(): Reading<StepValues> {
    const { optimiser, scaler } = this;
    return scope(() => {
      const params = optimiser.groups.flatMap((group) => group.params);
      const overflowed = scaler?.unscale_(params);
      const norm = clippedNorm(optimiser, this.options.clipNorm).to({ dtype: "float32", device: this.options.device });
      const notFinite = norm.isfinite().logicalNot().to({ dtype: "float32" });
      const leaveOut = overflowed ? overflowed.maximum(notFinite) : notFinite;
      optimiser.step({ leaveOut });
      if (overflowed) scaler!.update(leaveOut);
      const scale = scaler?.scaleFactor ?? zeros([], { device: this.options.device });
      return Reading.of(stack([norm, scale]), ([gradNorm, factor]) => ({
        gradNorm: gradNorm!,
        givenUp: !Number.isFinite(gradNorm) && (!scaler || factor! < leastScale),
      }));
    });
  }

  stateDict(): optim.GradScalerState | Record<string, never> {
    return this.scaler?.stateDict() ?? {};
  }

  loadStateDict(saved: ReadonlyMap<unknown, unknown>): void {
    this.scaler?.loadStateDict(saved);
  }

  dispose(): void {
    this.scaler?.dispose();
  }
}
