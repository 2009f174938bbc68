import { Generator } from "./generator.js";
import { activateMode, currentMode, enableGrad, insideEngine, noGrad, withMode } from "./mode.js";
import { native, type TensorId } from "./native.js";
import { scope } from "./scope.js";
import { Tensor } from "./tensor.js";

const ids = (tensors: readonly (Tensor | undefined)[]): (TensorId | undefined)[] => tensors.map((tensor) => tensor?.id);

/** Differentiates several scalars, or tensors with cotangents, at once; adds to the `grad` of the leaves. */
export function backward(
  roots: readonly Tensor[],
  cotangents: readonly (Tensor | undefined)[] = [],
  { retainGraph = false, createGraph = false } = {},
): void {
  activateMode();
  native().backward(ids(roots) as TensorId[], ids(cotangents), retainGraph || createGraph, createGraph);
}

/**
 * d(sum of outputs · cotangents) / d(inputs), without touching anyone's `.grad`.
 * @throws Error where an input does not reach the outputs, unless `allowUnused`: then its gradient is undefined
 */
export function grad(
  outputs: readonly Tensor[],
  inputs: readonly Tensor[],
  {
    cotangents = [],
    retainGraph = false,
    createGraph = false,
    allowUnused = false,
  }: {
    cotangents?: readonly (Tensor | undefined)[];
    retainGraph?: boolean;
    createGraph?: boolean;
    allowUnused?: boolean;
  } = {},
): (Tensor | undefined)[] {
  activateMode();
  return native()
    .grad(
      ids(outputs) as TensorId[],
      ids(inputs) as TensorId[],
      ids(cotangents),
      retainGraph || createGraph,
      createGraph,
      allowUnused,
    )
    .map((id) => (id === undefined ? undefined : new Tensor(id)));
}

/** What a custom function's forward leaves for its backward. */
export class FunctionContext<Extra = unknown> {
  /** Tensors kept until backward has run, with the memory of the graph. */
  saved: readonly Tensor[] = [];
  /** Anything else backward wants to know. */
  extra: Extra | undefined;
}

export interface FunctionDefinition<Inputs extends readonly Tensor[], Output extends Tensor | readonly Tensor[]> {
  /** Runs without a graph; leaves what backward needs in `context`. Returns new tensors, not its inputs. */
  forward(context: FunctionContext, ...inputs: Inputs): Output;
  /** One gradient an input (undefined where there is none) from one cotangent an output. */
  backward(context: FunctionContext, ...cotangents: (Tensor | undefined)[]): readonly (Tensor | undefined)[] | Tensor;
}

/**
 * A differentiable function whose derivative is written in TypeScript. Its backward may itself use operators; it runs on the
 * thread that built the graph.
 */
export function customFunction<Inputs extends readonly Tensor[], Output extends Tensor | readonly Tensor[]>(
  name: string,
  { forward, backward }: FunctionDefinition<Inputs, Output>,
): (...inputs: Inputs) => Output {
  return (...inputs) => {
    const context = new FunctionContext();
    const [result] = scope(() => [noGrad(() => forward(context, ...inputs)), context.saved]) as [Output, unknown];
    const outputs = (Array.isArray(result) ? result : [result]) as Tensor[];
    if (!currentMode().gradEnabled || !inputs.some((input) => input.requiresGrad)) return result;
    const run = (cotangents: (TensorId | undefined)[], saved: TensorId[], gradMode: boolean) =>
      insideEngine(gradMode, () => {
        // The engine's handles die with this call; the gradients must outlive it by one step, as ids the addon reads at once.
        const gradients = scope(() => {
          const live = new FunctionContext();
          live.extra = context.extra;
          live.saved = saved.map((id) => new Tensor(id));
          const given = backward(live, ...cotangents.map((id) => (id === undefined ? undefined : new Tensor(id))));
          return given instanceof Tensor ? [given] : [...given];
        });
        return ids(gradients);
      });
    native().attach(name, ids(inputs) as TensorId[], ids(outputs) as TensorId[], ids(context.saved) as TensorId[], run);
    context.saved = [];
    return result;
  };
}

/**
 * Gradient checkpointing: runs `segment` without keeping its intermediates and computes them again in backward. Random numbers
 * and mixed precision are the same the second time. Parameters used inside receive their gradients.
 */
export function checkpoint<Inputs extends readonly Tensor[]>(
  segment: (...inputs: Inputs) => Tensor,
  ...inputs: Inputs
): Tensor {
  if (!currentMode().gradEnabled) return segment(...inputs);
  const { autocast } = currentMode();
  const generator = Generator.default();
  const run = customFunction<readonly Tensor[], Tensor>("checkpoint", {
    forward(context, _trigger, ...given) {
      context.saved = [generator.state, ...given];
      return segment(...(given as unknown as Inputs));
    },
    backward(context, cotangent) {
      const [state, ...given] = context.saved as [Tensor, ...Tensor[]];
      const now = generator.state;
      const again = given.map((input) => input.detach().requiresGrad_(input.requiresGrad));
      enableGrad(() => {
        generator.state = state;
        try {
          const output = withMode({ autocast }, () => segment(...(again as unknown as Inputs)));
          generator.state = now;
          backward([output], [cotangent]);
        } finally {
          generator.state = now;
        }
      });
      return [undefined, ...again.map((input) => input.grad)];
    },
  });
  // A leaf that asks for a gradient, so that the segment is part of the graph even when only its parameters are trained.
  return scope(() => run(Tensor.of(0).requiresGrad_(), ...inputs));
}
