import { type nn, openCheckpoint, Problem, scope, Tensor } from "@adsam/torch";

/**
 * Loads published weights into an encoder: a state dict whose names are the module's own, all behind `prefix` or none.
 * Names under `ignored` (a classifier that the encoder has no use for) are passed over; anything else that does not fit is refused.
 */
export function loadWeights(
  module: nn.Module,
  path: string,
  { prefix = "", ignored = [] as readonly string[] } = {},
): void {
  scope(() => {
    const { tree } = openCheckpoint(path);
    const state = tensorsOf(tree, path);
    const names = [...state.keys()];
    const behind = prefix !== "" && names.some((name) => name.startsWith(prefix)) ? prefix : "";
    const own = new Map(
      names
        .filter((name) => name.startsWith(behind) && !ignored.some((start) => name.startsWith(start)))
        .map((name) => [name.slice(behind.length), state.get(name)!]),
    );
    module.loadStateDict(own, { what: `checkpoint "${path}"` });
  });
}

/** The tensors of a plain state dict, or of one wrapped under `model` or `state_dict`. */
function tensorsOf(tree: unknown, path: string): Map<string, Tensor> {
  if (tree instanceof Map) {
    const entries = [...(tree as Map<unknown, unknown>)];
    if (entries.length > 0 && entries.every(([name, value]) => typeof name === "string" && value instanceof Tensor))
      return tree as Map<string, Tensor>;
    for (const key of ["model", "state_dict", "model_state_dict"])
      if (tree.has(key)) return tensorsOf(tree.get(key), path);
  }
  throw new Problem({
    what: `checkpoint "${path}"`,
    found: "something other than named tensors",
    expected: "a state dict, plain or under `model`, `state_dict` or `model_state_dict`",
  });
}
