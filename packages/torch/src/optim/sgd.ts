import { foreachAdd, foreachAdd_, foreachMul_ } from "../generated/functions.js";
import { Problem } from "../problem.js";
import { keep } from "../scope.js";
import type { Tensor } from "../tensor.js";
import type { Batch, Member } from "./batches.js";
import { type CommonOptions, type GroupSpec, Optimizer, type ParamGroup } from "./optimizer.js";
import { flagIn, type GroupRecord, numberIn } from "./state.js";

export interface SgdOptions extends CommonOptions {
  momentum: number;
  dampening: number;
  nesterov: boolean;
}

/** Stochastic gradient descent with momentum (as Sutskever et al. 2013, in PyTorch's form: the rate stands outside the buffer). */
export class SGD extends Optimizer<SgdOptions> {
  protected override readonly countsSteps = false;

  constructor(
    params: Iterable<Tensor> | Iterable<GroupSpec<SgdOptions>>,
    { lr = 1e-3, momentum = 0, dampening = 0, weightDecay = 0, nesterov = false }: Partial<SgdOptions> = {},
  ) {
    super(params, { lr, momentum, dampening, weightDecay, nesterov });
  }

  override addGroup(spec: GroupSpec<SgdOptions>): void {
    super.addGroup(spec);
    const { nesterov, momentum, dampening } = this.groups.at(-1)!;
    if (nesterov && (momentum <= 0 || dampening !== 0))
      throw new Problem({
        what: "SGD with nesterov",
        found: `momentum ${momentum}, dampening ${dampening}`,
        expected: "a momentum above 0 and no dampening",
      });
  }

  protected override update(
    { lr, momentum, dampening, weightDecay, nesterov }: ParamGroup<SgdOptions>,
    { members, params, grads }: Batch,
  ): void {
    let direction = weightDecay === 0 ? grads : foreachAdd(grads, params, { alpha: weightDecay });
    if (momentum !== 0) {
      const buffers = this.momentumBuffers(members, direction, momentum, dampening);
      direction = nesterov ? foreachAdd(direction, buffers, { alpha: momentum }) : buffers;
    }
    foreachAdd_(params, direction, { alpha: -lr });
  }

  /** buffer ← momentum · buffer + (1 − dampening) · direction; the first time it is the direction itself. */
  private momentumBuffers(members: Member[], direction: Tensor[], momentum: number, dampening: number): Tensor[] {
    const moved = members.flatMap(({ state }, i) => (state.momentum_buffer ? [i] : []));
    if (moved.length > 0) {
      const buffers = moved.map((i) => members[i]!.state.momentum_buffer!);
      foreachMul_(buffers, momentum);
      foreachAdd_(
        buffers,
        moved.map((i) => direction[i]!),
        { alpha: 1 - dampening },
      );
    }
    return members.map(({ state }, i) => {
      state.momentum_buffer ??= keep(direction[i]!.clone());
      return state.momentum_buffer;
    });
  }

  protected override record({ lr, momentum, dampening, weightDecay, nesterov }: ParamGroup<SgdOptions>): GroupRecord {
    const others = { maximize: false, foreach: null, differentiable: false };
    return { lr, momentum, dampening, weight_decay: weightDecay, nesterov, ...others };
  }

  protected override restore(group: ParamGroup<SgdOptions>, record: ReadonlyMap<string, unknown>): void {
    group.lr = numberIn(record, "lr", group.lr);
    group.momentum = numberIn(record, "momentum", group.momentum);
    group.dampening = numberIn(record, "dampening", group.dampening);
    group.weightDecay = numberIn(record, "weight_decay", group.weightDecay);
    group.nesterov = flagIn(record, "nesterov", group.nesterov);
  }
}
