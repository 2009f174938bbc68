import type { Device } from "../device.js";
import type { Dtype } from "../dtype.js";
import { noGrad } from "../mode.js";
import { keep, scope } from "../scope.js";
import { Tensor } from "../tensor.js";
import { compareState, copyState, type LoadStateOptions, refuseDifferences, type StateSource } from "./load-state.js";

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

/**
 * `relPosH` → `rel_pos_h`; digits stay where they are: `layer1`, `up1`. A property with an underscore is the reference's own spelling and
 * stays, for the names that are no snake_case: `MLP_Adapter`, `lora_A`.
 */
export function stateName(property: string): string {
  if (property.includes("_")) return property;
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
   * Copies values into parameters and buffers, converting them to their dtype and device. Values that lie in a file (`CheckpointFile`) are
   * read into place piece by piece: no second copy of the weights is ever in memory.
   * @throws Problem listing missing, unexpected and mis-shaped names with their closest matches; nothing is changed then
   */
  loadStateDict(
    state: StateSource | Readonly<Record<string, Tensor>>,
    options: LoadStateOptions = {},
  ): { missing: readonly string[]; unexpected: readonly string[] } {
    const given = state instanceof Map ? (state as StateSource) : new Map(Object.entries(state));
    const own = this.stateDict();
    const differences = compareState(own, given, options.optional);
    refuseDifferences(differences, { own, given, network: this.constructor.name, options });
    copyState(own, given);
    const { missing, unexpected } = differences;
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
