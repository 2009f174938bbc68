import { Problem } from "../problem.js";
import { Tensor } from "../tensor.js";

/** What is kept for one parameter, by PyTorch's names. */
export type StateRecord = { readonly [name: string]: Tensor };

/** A group's options by PyTorch's names. */
export type GroupRecord = { readonly [name: string]: number | boolean | string | null | readonly number[] };

/** `torch.optim.Optimizer.state_dict()`; the keys of `state` are integers, hence a Map. */
export type OptimizerState = {
  readonly state: ReadonlyMap<number, StateRecord>;
  readonly param_groups: readonly (GroupRecord & { readonly params: readonly number[] })[];
};

/** A dictionary as a Map, whether it comes from a file (a Map) or from code (an object). */
export function entriesOf(value: unknown, what: string): ReadonlyMap<string, unknown> {
  if (value instanceof Map) return value;
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Tensor))
    return new Map(Object.entries(value));
  throw new Problem({ what, found: value === null ? "null" : typeof value, expected: "a dictionary" });
}

/** A step count, which PyTorch keeps as a scalar tensor (as a number before 1.12). */
export function stepsIn(value: unknown): number {
  const steps = value instanceof Tensor ? value.item() : value;
  if (typeof steps === "number" && steps >= 0) return steps;
  throw new Problem({ what: "the optimiser's state: step", found: String(steps), expected: "a number of steps" });
}

/** A number from a group's record; `fallback` where it is missing. */
export function numberIn(record: ReadonlyMap<string, unknown>, name: string, fallback: number): number {
  const value = record.get(name) ?? fallback;
  if (typeof value === "number") return value;
  // torch.optim may hold the learning rate in a tensor.
  if (value instanceof Tensor && value.numel === 1) return value.item();
  throw new Problem({ what: `the optimiser's state: ${name}`, found: String(value), expected: "a number" });
}

export function flagIn(record: ReadonlyMap<string, unknown>, name: string, fallback: boolean): boolean {
  const value = record.get(name);
  return typeof value === "boolean" ? value : fallback;
}
