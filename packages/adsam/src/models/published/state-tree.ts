import { Problem, StoredTensor } from "@adsam/torch";

/** Entries of a training checkpoint that hold a network's weights, in the order in which they are looked for. */
const entries = ["model", "model_state_dict", "state_dict", "net", "network", "weights", "ema"];

/**
 * The tensors by name of what a file holds: of a plain state dict, or of one that stands among other things in a training checkpoint.
 * @throws Problem naming the entries found instead
 */
export function stateIn(tree: unknown, what: string): ReadonlyMap<string, StoredTensor> {
  if (tree instanceof Map) {
    const items = [...(tree as ReadonlyMap<unknown, unknown>)];
    if (items.length > 0 && items.every(([name, value]) => typeof name === "string" && value instanceof StoredTensor))
      return tree as ReadonlyMap<string, StoredTensor>;
    for (const entry of entries) if (tree.get(entry) instanceof Map) return stateIn(tree.get(entry), what);
  }
  const keys = tree instanceof Map ? [...tree.keys()].map(String) : [];
  throw new Problem({
    what,
    found:
      keys.length === 0
        ? "no named tensors"
        : `the entries ${keys.slice(0, 6).join(", ")}${keys.length > 6 ? `, … (${keys.length})` : ""}`,
    expected: `tensors by name, plain or under one of ${entries.join(", ")}`,
  });
}
