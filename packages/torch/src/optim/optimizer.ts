import { noGrad } from "../mode.js";
import { native } from "../native.js";
import { Problem } from "../problem.js";
import { keep, scope } from "../scope.js";
import { Tensor } from "../tensor.js";
import { type Batch, batches, type Member } from "./batches.js";
import { entriesOf, type GroupRecord, type OptimizerState, type StateRecord, stepsIn } from "./state.js";

/** What every optimiser's groups have. */
export interface CommonOptions {
  /** Learning rate; a scheduler may set it anew before each step. */
  lr: number;
  weightDecay: number;
}

/** Parameters that share their options; `options` and `name` may be changed between steps. */
export type ParamGroup<Options extends CommonOptions = CommonOptions> = Options & {
  readonly params: readonly Tensor[];
  /** What logs call the group. */
  name?: string;
};

/** A group as it is given: what is not said comes from the optimiser's defaults. */
export type GroupSpec<Options extends CommonOptions> = Partial<Options> & {
  readonly params: Iterable<Tensor>;
  readonly name?: string;
};

/** Scalars of the device: whether the step at hand is left out (1), and how many of those counted were before. */
export interface Leaving {
  readonly now: Tensor;
  readonly before: Tensor | undefined;
}

/**
 * Changes parameters along their gradients. The numbers kept for each parameter belong to the optimiser until `dispose()`; a step leaves
 * nothing else behind. Parameters without a gradient are left as they are.
 */
export abstract class Optimizer<Options extends CommonOptions = CommonOptions> {
  readonly groups: ParamGroup<Options>[] = [];
  private readonly members = new Map<Tensor, Member>();
  /** Of the steps counted in `members`, those that were left out since: a scalar on the device. */
  private leftOut: Tensor | undefined;

  /** @param params parameters, or groups of them with options of their own */
  constructor(
    params: Iterable<Tensor> | Iterable<GroupSpec<Options>>,
    private readonly defaults: Options,
  ) {
    const given = [...(params as Iterable<Tensor | GroupSpec<Options>>)];
    if (given.every((one) => one instanceof Tensor)) this.addGroup({ params: given } as unknown as GroupSpec<Options>);
    else for (const group of given) this.addGroup(group as GroupSpec<Options>);
    if (this.members.size === 0)
      throw new Problem({ what: this.constructor.name, found: "no parameters", expected: "at least one to optimise" });
  }

  /** Adds parameters during a run, for example of a layer that is trained from now on. */
  addGroup({ params, ...options }: GroupSpec<Options>): void {
    const group = { ...this.defaults, ...options, params: [...params] } as unknown as ParamGroup<Options>;
    for (const [i, param] of group.params.entries()) {
      const name = `${this.constructor.name}: parameter ${i} of group ${group.name ?? this.groups.length}`;
      if (!param.isLeaf)
        throw new Problem({ what: name, found: "the result of an operator", expected: "a parameter (a leaf)" });
      if (this.members.has(param)) throw new Problem({ what: name, found: "a parameter that is listed already" });
      this.members.set(param, { param, step: 0, state: {} });
    }
    this.groups.push(group);
  }

  /**
   * Changes the parameters along the gradients they have now.
   * @param options.leaveOut a scalar of the parameters' device: 1 leaves the step out, 0 takes it. On a GPU nothing waits for it, where the
   *   optimiser's operator can look for itself
   */
  step({ leaveOut }: { readonly leaveOut?: Tensor | undefined } = {}): void {
    if (leaveOut && !this.looksItself(leaveOut)) {
      if (leaveOut.item() !== 1) this.step();
      return;
    }
    noGrad(() =>
      scope(() => {
        for (const group of this.groups) {
          const ready = group.params.flatMap((param) => {
            const grad = param.grad;
            return grad ? [{ member: this.members.get(param)!, grad }] : [];
          });
          for (const batch of batches(ready)) {
            for (const member of batch.members) member.step++;
            this.update(group, batch, leaveOut && { now: leaveOut, before: this.leftOut });
          }
        }
      }),
    );
    if (leaveOut) this.countLeftOut(leaveOut);
  }

  /** Whether `update` heeds a `leaveOut` on that device without reading it. */
  protected looksItself(_leaveOut: Tensor): boolean {
    return false;
  }

  private countLeftOut(leaveOut: Tensor): void {
    const before = this.leftOut;
    this.leftOut = noGrad(() => keep(before ? before.add(leaveOut) : leaveOut.clone()));
    before?.dispose();
  }

  /** Takes the steps that were left out off the counts; reads them from the device. */
  private settle(): void {
    const left = this.leftOut?.item() ?? 0;
    this.leftOut?.dispose();
    this.leftOut = undefined;
    if (left > 0) for (const member of this.members.values()) member.step = Math.max(0, member.step - left);
  }

  /** Moves one batch of parameters of the same dtype, device and step; runs without a graph, in a scope. */
  protected abstract update(group: ParamGroup<Options>, batch: Batch, leaving?: Leaving): void;

  /** Options by the names they have in PyTorch, for a state dict. */
  protected abstract record(group: ParamGroup<Options>): GroupRecord;

  /** The inverse of `record`: options from a state dict; what is missing stays. */
  protected abstract restore(group: ParamGroup<Options>, record: ReadonlyMap<string, unknown>): void;

  /** Frees the gradients of all parameters. */
  zeroGrad(): void {
    native().clearGrads([...this.members.keys()].map((param) => param.id));
  }

  /**
   * PyTorch's layout, which `torch.optim` reads as well: `{ state: Map { 0 → { step, exp_avg, … } }, param_groups: [{ lr, …, params }] }`.
   * Parameters are numbered through all groups. The tensors are the optimiser's own, but for `step`, float32 scalars made anew.
   */
  stateDict(): OptimizerState {
    this.settle();
    const index = new Map([...this.groups.flatMap((group) => group.params)].map((param, i) => [param, i]));
    const state = new Map<number, StateRecord>();
    for (const [param, i] of index) {
      const member = this.members.get(param)!;
      if (member.step === 0) continue;
      state.set(i, this.countsSteps ? { step: Tensor.of(member.step), ...member.state } : { ...member.state });
    }
    const paramGroups = this.groups.map((group) => ({
      ...this.record(group),
      ...(group.name !== undefined && { name: group.name }),
      params: group.params.map((param) => index.get(param)!),
    }));
    return { state, param_groups: paramGroups };
  }

  /** Whether `step` stands in PyTorch's state of this optimiser. */
  protected readonly countsSteps: boolean = true;

  /**
   * Takes over what `stateDict` (ours or PyTorch's) gave; tensors are copied to each parameter's device.
   * @throws Problem where groups or their sizes differ, or a tensor has another shape than its parameter; nothing is changed then
   */
  loadStateDict(saved: OptimizerState | ReadonlyMap<unknown, unknown> | object): void {
    const root = entriesOf(saved, "the optimiser's state");
    const records = [...((root.get("param_groups") ?? []) as Iterable<unknown>)].map((one) =>
      entriesOf(one, "a group"),
    );
    const sizes = records.map((record) => [...((record.get("params") ?? []) as Iterable<unknown>)].length);
    const own = this.groups.map((group) => group.params.length);
    if (sizes.join() !== own.join())
      throw new Problem({
        what: "the optimiser's state does not fit",
        found: `groups of ${sizes.join(", ") || "no"} parameters`,
        expected: `groups of ${own.join(", ")}`,
        todo: "It belongs to another network, or to another choice of what is trained.",
      });
    const params = this.groups.flatMap((group) => group.params);
    const numbers = records.flatMap((record) => [...(record.get("params") as Iterable<unknown>)].map(Number));
    const state = new Map([...entriesOf(root.get("state") ?? {}, "state")].map(([key, value]) => [Number(key), value]));
    this.settle();
    const restored = params.map((param, i) => this.readMember(param, i, state.get(numbers[i]!)));
    for (const member of restored) {
      this.disposeState(this.members.get(member.param)!);
      this.members.set(member.param, member);
      for (const [name, tensor] of Object.entries(member.state)) member.state[name] = copyFor(member.param, tensor);
    }
    for (const [i, group] of this.groups.entries()) this.restore(group, records[i]!);
  }

  private readMember(param: Tensor, i: number, saved: unknown): Member {
    const member: Member = { param, step: 0, state: {} };
    if (saved === undefined) return member;
    member.step = 1;
    for (const [name, value] of entriesOf(saved, `state ${i}`)) {
      if (name === "step") member.step = stepsIn(value);
      else if (value instanceof Tensor) {
        if (value.shape.join() !== param.shape.join())
          throw new Problem({
            what: `the optimiser's state: ${name} of parameter ${i}`,
            found: `shape [${value.shape.join(", ")}]`,
            expected: `[${param.shape.join(", ")}]`,
          });
        member.state[String(name)] = value;
      }
    }
    return member;
  }

  private disposeState(member: Member): void {
    for (const tensor of Object.values(member.state)) tensor.dispose();
    member.state = {};
  }

  /** What a scope that returns the optimiser must not free. */
  tensors(): Tensor[] {
    return [...this.members.values()].flatMap((member) => Object.values(member.state));
  }

  /** Frees the optimiser's own tensors, not the parameters. */
  dispose(): void {
    for (const member of this.members.values()) this.disposeState(member);
    this.leftOut?.dispose();
    this.leftOut = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** The values with the dtype, device and memory layout of the parameter's own state. */
function copyFor(param: Tensor, tensor: Tensor): Tensor {
  return noGrad(() => keep(scope(() => param.detach().zerosLike().copy_(tensor))));
}
