import { Tensor } from "@adsam/torch";
import { multiplyAdds, readings } from "../../describe/multiply-adds.js";

/** What one operator's work asks of the machine at least. */
export interface OperatorNeed {
  readonly name: string;
  /** The part of the work that it belongs to. */
  readonly phase: string;
  /** Operations: a multiply-add counts two. */
  readonly flops: number;
  /** Read and written, each tensor once. */
  readonly bytes: number;
}

/**
 * The needs of one operator call; undefined for operators that are not counted.
 * @param phases where the call belongs, and its backward
 */
export function operatorNeeds(
  name: string,
  args: readonly unknown[],
  result: unknown,
  phases: { readonly forward: string; readonly backward: string },
): readonly OperatorNeed[] | undefined {
  const products = multiplyAdds(name, args, result);
  if (products === undefined) return undefined;
  const tensors = args.filter((arg) => arg instanceof Tensor);
  const bytes = [...tensors, result as Tensor].reduce((sum, tensor) => sum + bytesOf(tensor), 0);
  const forward = { name, phase: phases.forward, flops: 2 * products, bytes };
  const wanted = operandsWanted(name, tensors);
  if (wanted === 0) return [forward];
  const sampled = readings(name, args, result);
  const flops = 2 * (wanted * (products - sampled) + 2 * sampled);
  return [forward, { name: `${name}, backward`, phase: phases.backward, flops, bytes: wanted * bytes }];
}

/** Of the two operands of a product, those that want a gradient; a bias costs none, a deformable layer's places come with its input. */
function operandsWanted(name: string, tensors: readonly Tensor[]): number {
  const wants = tensors.map(({ requiresGrad }) => requiresGrad);
  if (name.startsWith("aten::addmm") || name.startsWith("aten::baddbmm")) wants.shift();
  const [left = false, right = false, ...others] = wants;
  const places = name === "adsam::deform_conv2d" && others.slice(0, 2).some(Boolean);
  return Number(left || places) + Number(right);
}

const bytesOf = ({ numel, dtype }: Tensor): number => numel * elementBytes(dtype);

function elementBytes(dtype: string): number {
  if (/64$/.test(dtype)) return 8;
  if (/16$/.test(dtype)) return 2;
  return /8$|bool/.test(dtype) ? 1 : 4;
}
