import { Problem } from "../problem.js";
import { Tensor } from "../tensor.js";
import { type LoadOptions, openCheckpoint } from "./checkpoint.js";

export interface StateDictOptions extends LoadOptions {
  /** Where in a training checkpoint the weights stand: `["model"]`, `["ema", "state_dict"]`. Left out: the whole file. */
  readonly at?: readonly string[];
}

/**
 * The weights of a file of any format by name, in its order: what `Module.loadStateDict` takes. Refuses a file whose tree is no flat
 * dictionary of tensors there, and names the keys it found instead.
 */
export function loadStateDict(path: string, { at = [], ...options }: StateDictOptions = {}): Map<string, Tensor> {
  let value: unknown = openCheckpoint(path, options).tree;
  for (const [depth, key] of at.entries()) {
    if (!(value instanceof Map) || !value.has(key))
      throw noStateDict(path, at.slice(0, depth), value, `a key "${key}"`);
    value = value.get(key);
  }
  if (
    !(value instanceof Map) ||
    ![...value].every(([name, item]) => typeof name === "string" && item instanceof Tensor)
  ) {
    throw noStateDict(path, at, value, "tensors by name");
  }
  return value as Map<string, Tensor>;
}

function noStateDict(path: string, at: readonly string[], value: unknown, expected: string): Problem {
  const what = `checkpoint "${path}"${at.length > 0 ? `, at "${at.join(".")}"` : ""}`;
  if (!(value instanceof Map)) return new Problem({ what, found: "no dictionary", expected });
  const inner = [...value].filter(([, item]) => item instanceof Map).map(([key]) => `"${key}"`);
  const keys = [...value.keys()].slice(0, 8).map((key) => `"${key}"`);
  const found = `a dictionary of ${value.size} keys: ${keys.join(", ")}${value.size > keys.length ? ", …" : ""}`;
  const todo = inner.length > 0 ? `Name the one that holds the weights: ${inner.slice(0, 8).join(", ")}.` : undefined;
  return new Problem({ what, found, expected, ...(todo !== undefined && { todo }) });
}
