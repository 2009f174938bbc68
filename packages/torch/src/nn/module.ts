import type { Device } from "../device.js";
import type { Dtype } from "../dtype.js";
import { noGrad } from "../mode.js";
import { Problem } from "../problem.js";
import { keep, scope } from "../scope.js";
import { Tensor } from "../tensor.js";

/** What a state dict holds under a name: a trained parameter, or a buffer that only travels along. */
type Role = "parameter" | "buffer";
const roles = new WeakMap<Tensor, Role>();

/** Marks a tensor as trained; it outlives every scope and belongs to the module it is assigned to. */
export function parameter(tensor: Tensor): Tensor {
  roles.set(tensor, "parameter");
  tensor.requiresGrad = true;
  return keep(tensor);
}

/** Marks a tensor as saved with the module but not trained. */
export function buffer(tensor: Tensor): Tensor {
  roles.set(tensor, "buffer");
  return keep(tensor);
}

/** `relPosH` → `rel_pos_h`; digits stay where they are: `layer1`, `up1`. */
export function stateName(property: string): string {
  return property.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * A tree of layers, as PyTorch's `nn.Module`. Tensors marked by `parameter` or `buffer` and modules assigned to properties are
 * its members; their names in a state dict are the property names in snake_case, so they equal the reference's by construction.
 */
export abstract class Module {
  /** Whether dropout and the like are on. Set by `train` and `eval`. */
  training = true;

  // biome-ignore lint/suspicious/noExplicitAny: each module has its own arguments; `call` takes their types over
  abstract forward(...inputs: any[]): any;

  /** Runs `forward` in a scope of its own: nothing made on the way outlives the result but what backward needs. */
  call(...inputs: Parameters<this["forward"]>): ReturnType<this["forward"]> {
    return scope(() => this.forward(...inputs));
  }

  /** Direct sub-modules with their state-dict names. */
  *children(): Generator<[string, Module]> {
    for (const [property, value] of Object.entries(this))
      if (value instanceof Module) yield [stateName(property), value];
  }

  /** This module (under the name "") and all below it, depth first. */
  *modules(prefix = ""): Generator<[string, Module]> {
    yield [prefix, this];
    for (const [name, child] of this.children()) yield* child.modules(prefix ? `${prefix}.${name}` : name);
  }

  private *members(role: Role): Generator<[string, Tensor]> {
    for (const [path, module] of this.modules())
      for (const [property, value] of Object.entries(module))
        if (value instanceof Tensor && roles.get(value) === role)
          yield [path ? `${path}.${stateName(property)}` : stateName(property), value];
  }

  /** Trained tensors with their state-dict names. A tensor shared by two modules is listed under both. */
  namedParameters(): Generator<[string, Tensor]> {
    return this.members("parameter");
  }

  namedBuffers(): Generator<[string, Tensor]> {
    return this.members("buffer");
  }

  parameters(): Tensor[] {
    return [...new Set([...this.namedParameters()].map(([, tensor]) => tensor))];
  }

  /** Numbers that gradients are wanted for, and those that stay; a shared tensor counts once. */
  parameterCount(): { trained: number; frozen: number } {
    const count = { trained: 0, frozen: 0 };
    for (const tensor of this.parameters()) count[tensor.requiresGrad ? "trained" : "frozen"] += tensor.numel;
    return count;
  }

  /** Everything the module owns: what a scope that returns it must not free. */
  tensors(): Tensor[] {
    return [...new Set([...this.namedParameters(), ...this.namedBuffers()].map(([, tensor]) => tensor))];
  }

  train(on = true): this {
    for (const [, module] of this.modules()) module.training = on;
    return this;
  }

  eval(): this {
    return this.train(false);
  }

  /** Whether gradients are wanted for all parameters below. */
  requiresGrad_(on = true): this {
    for (const tensor of this.parameters()) tensor.requiresGrad = on;
    return this;
  }

  /** Moves or converts all parameters and buffers in place; a dtype touches floating-point members only. */
  to({ dtype, device }: { dtype?: Dtype; device?: Device }): this {
    noGrad(() =>
      scope(() => {
        for (const tensor of this.tensors()) {
          const floating = tensor.dtype.startsWith("float") || tensor.dtype === "bfloat16";
          const moved = tensor.to({ ...(dtype && floating && { dtype }), ...(device && { device }) });
          tensor.setData(moved);
        }
      }),
    );
    return this;
  }

  /** Parameters and buffers by name, the tensors themselves. */
  stateDict(): Map<string, Tensor> {
    const state = new Map<string, Tensor>();
    // In the order of PyTorch: a module's own parameters, its buffers, then its children.
    for (const [path, module] of this.modules())
      for (const role of ["parameter", "buffer"] as const)
        for (const [property, value] of Object.entries(module))
          if (value instanceof Tensor && roles.get(value) === role)
            state.set(path ? `${path}.${stateName(property)}` : stateName(property), value);
    return state;
  }

  /**
   * Copies values into parameters and buffers.
   * @param options.strict refuse missing and unexpected names (default); mis-shaped ones are always refused
   * @throws Problem listing missing, unexpected and mis-shaped names; nothing is changed then
   */
  loadStateDict(
    state: ReadonlyMap<string, Tensor> | Readonly<Record<string, Tensor>>,
    { strict = true, what = "the state dict" }: { strict?: boolean; what?: string } = {},
  ): { missing: string[]; unexpected: string[] } {
    const given = state instanceof Map ? (state as ReadonlyMap<string, Tensor>) : new Map(Object.entries(state));
    const own = this.stateDict();
    const missing = [...own.keys()].filter((name) => !given.has(name));
    const unexpected = [...given.keys()].filter((name) => !own.has(name));
    const misShaped = [...own].flatMap(([name, tensor]) => {
      const other = given.get(name);
      return other && other.shape.join() !== tensor.shape.join()
        ? [`${name} [${other.shape.join(", ")}] instead of [${tensor.shape.join(", ")}]`]
        : [];
    });
    if (misShaped.length > 0 || (strict && missing.length + unexpected.length > 0))
      throw new Problem({
        what: `${what} does not fit ${this.constructor.name}`,
        found: [listed("missing", missing), listed("unexpected", unexpected), listed("mis-shaped", misShaped)]
          .filter(Boolean)
          .join("; "),
        expected: `${own.size} tensors named as this network's`,
        todo: "Check that the file belongs to this network and that the configuration (sizes, decoder, number of classes) is the one it was trained with.",
      });
    noGrad(() => {
      for (const [name, tensor] of own) {
        const value = given.get(name);
        if (value) tensor.copy_(value);
      }
    });
    return { missing, unexpected };
  }

  /** Frees all parameters and buffers. */
  dispose(): void {
    for (const tensor of this.tensors()) tensor.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

function listed(kind: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const shown = names.slice(0, 6).join(", ");
  return `${names.length} ${kind} (${shown}${names.length > 6 ? ", …" : ""})`;
}
