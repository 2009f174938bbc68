import type { OperatorNeed } from "./operators.js";

/** What the machine reaches at best, with the threads that are measured. */
export interface MachineRates {
  /** Matrix products, operations a second. */
  readonly float32: number;
  readonly bfloat16: number;
  /** Bytes read and written a second. */
  readonly copy: number;
}

/** What of two measurements is the more: either may have met a slow moment of a shared machine, neither a quicker machine. */
export const bestOf = (a: MachineRates, b: MachineRates): MachineRates => ({
  float32: Math.max(a.float32, b.float32),
  bfloat16: Math.max(a.bfloat16, b.bfloat16),
  copy: Math.max(a.copy, b.copy),
});

export interface Roof {
  readonly flops: number;
  readonly bytes: number;
  /** Seconds: no operator can be quicker than its arithmetic at the rate of matrix products, or its tensors at the rate of copying. */
  readonly limit: number;
}

/** The roofline of one phase: the sum over its operators of whichever is longer, arithmetic or traffic. */
export function roofOf(
  operators: readonly OperatorNeed[],
  phase: string,
  dtype: "float32" | "bfloat16",
  rates: MachineRates,
): Roof {
  let [flops, bytes, limit] = [0, 0, 0];
  for (const one of operators) {
    if (one.phase !== phase) continue;
    flops += one.flops;
    bytes += one.bytes;
    limit += Math.max(one.flops / rates[dtype], one.bytes / rates.copy);
  }
  return { flops, bytes, limit };
}
