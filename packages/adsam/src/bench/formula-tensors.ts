/** The formula's values (formula.ts) as tensors and in modules. */
import { type nn, noGrad, scope, Tensor } from "@adsam/torch";
import { fillValues, type InputSpec, inputValues, type LabelSpec, labelValues, sequence } from "./formula.js";

/**
 * Fills every parameter and floating-point buffer below `module` by the formula.
 * @param options.prefix stands before each name, where the reference's module sat deeper in its tree: `"resnet_encoder."`
 * @param options.rename the reference's name for one of ours, or undefined to leave that tensor as it is
 */
export function fillModule<M extends nn.Module>(
  module: M,
  {
    seed = "",
    prefix = "",
    rename = (name: string) => name,
  }: { seed?: string; prefix?: string; rename?: (name: string) => string | undefined } = {},
): M {
  noGrad(() => {
    for (const [own, tensor] of module.stateDict()) {
      const name = rename(prefix + own);
      if (name === undefined || !/^(b?float)/.test(tensor.dtype)) continue;
      scope(() => tensor.copy_(Tensor.share(fillValues(name, tensor.shape, { seed }), tensor.shape)) && undefined);
    }
  });
  return module;
}

/** The float32 input called `name`. */
export function formulaInput(name: string, spec: InputSpec, options: { seed?: string } = {}): Tensor {
  return Tensor.from(inputValues(name, spec, options), spec.shape);
}

/** The cotangent of an output of this shape: the scalar differentiated is sum(output · cotangent). */
export function formulaCotangent(shape: readonly number[], { seed = "" } = {}): Tensor {
  const length = shape.reduce((all, size) => all * size, 1);
  return Tensor.from(sequence(`${seed}input:cotangent`, length, -1, 2), shape);
}

/** Labels [batch, height, width] as uint8 (or int64), in blocks cropped at the right and lower edge. */
export function labelMap(
  spec: LabelSpec,
  size: { batch: number; height: number; width: number },
  { seed = "", dtype = "uint8" as "uint8" | "int64" } = {},
): Tensor {
  const labels = Tensor.from(labelValues(spec, size, { seed }), [size.batch, size.height, size.width]);
  return dtype === "uint8" ? labels : labels.to({ dtype });
}
