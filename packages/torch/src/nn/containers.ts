import type { Tensor } from "../tensor.js";
import { Module } from "./module.js";

/**
 * Layers one after the other. They are the properties 0, 1, 2, …, which makes their names in a state dict `0.weight`, `1.bias`.
 */
export class Sequential extends Module {
  readonly [index: number]: Module;
  declare readonly length: number;

  constructor(...layers: readonly Module[]) {
    super();
    number(this, layers);
  }

  forward(x: Tensor): Tensor {
    let result = x;
    for (const layer of this) result = layer.call(result);
    return result;
  }

  /** A layer by position; negative counts from the end. */
  at(index: number): Module | undefined {
    return this[index < 0 ? index + this.length : index];
  }

  *[Symbol.iterator](): Iterator<Module> {
    for (let i = 0; i < this.length; i++) yield this[i]!;
  }
}

/** Modules by position, for a network that calls them its own way. Names in a state dict are `0`, `1`, …. */
export class ModuleList<Member extends Module = Module> extends Module {
  readonly [index: number]: Member;
  declare readonly length: number;

  constructor(members: Iterable<Member> = []) {
    super();
    number(this, [...members]);
  }

  forward(): never {
    throw new TypeError("a ModuleList has no forward: call its members");
  }

  at(index: number): Member | undefined {
    return this[index < 0 ? index + this.length : index];
  }

  *[Symbol.iterator](): Iterator<Member> {
    for (let i = 0; i < this.length; i++) yield this[i]!;
  }
}

/** Modules by name; the names stand in a state dict as they are. */
export class ModuleDict<Member extends Module = Module> extends Module {
  private readonly members_: ReadonlyMap<string, Member>;

  constructor(members: Readonly<Record<string, Member>> | ReadonlyMap<string, Member>) {
    super();
    this.members_ = new Map(members instanceof Map ? members : Object.entries(members));
  }

  forward(): never {
    throw new TypeError("a ModuleDict has no forward: call its members");
  }

  override *children(): Generator<[string, Module]> {
    yield* this.members_;
  }

  has(name: string): boolean {
    return this.members_.has(name);
  }

  /** @throws RangeError naming the members there are */
  get(name: string): Member {
    const member = this.members_.get(name);
    if (!member) throw new RangeError(`no module "${name}", only ${[...this.members_.keys()].join(", ")}`);
    return member;
  }

  keys(): Iterable<string> {
    return this.members_.keys();
  }

  values(): Iterable<Member> {
    return this.members_.values();
  }

  get size(): number {
    return this.members_.size;
  }
}

/** Gives back what it is given: stands where a layer may be left out. */
export class Identity extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

/** The members as properties 0, 1, …, and their number as one that is not listed. */
function number(target: Module, members: readonly Module[]): void {
  Object.assign(target, members);
  Object.defineProperty(target, "length", { value: members.length });
}
