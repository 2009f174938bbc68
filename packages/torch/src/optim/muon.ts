import { Problem } from "../problem.js";
import type { Tensor } from "../tensor.js";
import { type AdamWOptions, adamWRecord, isFused, moveByAdamW, restoreAdamW } from "./adamw.js";
import { type Batch, stateOf } from "./batches.js";
import { type GroupSpec, type Leaving, Optimizer, type ParamGroup } from "./optimizer.js";
import { flagIn, type GroupRecord, numberIn } from "./state.js";

export interface MuonOptions extends AdamWOptions {
  /** Whether the group's parameters are weights to orthogonalise, [out, …] each; the others of an optimiser go by AdamW. */
  matrices: boolean;
  momentum: number;
  nesterov: boolean;
  /** Iterations of Newton–Schulz. */
  nsSteps: number;
}

/**
 * Muon (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon/): a weight's momentum, as a matrix [out, in·kernel], is replaced by
 * nearly the closest orthogonal one, so that every direction of it moves equally far. Groups that are not `matrices` go by AdamW, as Muon's
 * authors do with biases, norms, tables and the last layer. The rate of a matrix is `lr`·√max(1, rows/columns), 0.02 in their experiments.
 */
export class Muon extends Optimizer<MuonOptions> {
  constructor(
    params: Iterable<Tensor> | Iterable<GroupSpec<MuonOptions>>,
    {
      lr = 1e-3,
      weightDecay = 1e-2,
      betas = [0.9, 0.999],
      eps = 1e-8,
      amsgrad = false,
      matrices = false,
      momentum = 0.95,
      nesterov = true,
      nsSteps = 5,
    }: Partial<MuonOptions> = {},
  ) {
    super(params, { lr, weightDecay, betas, eps, amsgrad, matrices, momentum, nesterov, nsSteps });
  }

  override addGroup(spec: GroupSpec<MuonOptions>): void {
    super.addGroup(spec);
    const { matrices, params, name } = this.groups.at(-1)!;
    const flat = matrices ? params.findIndex((param) => param.shape.length < 2) : -1;
    if (flat >= 0)
      throw new Problem({
        what: `Muon: parameter ${flat} of group ${name ?? this.groups.length - 1}`,
        found: `shape [${params[flat]!.shape.join(", ")}]`,
        expected: "a matrix or a convolution's weights in a group of matrices",
        todo: "Put it into a group without `matrices`.",
      });
  }

  protected override looksItself({ device }: Tensor): boolean {
    return isFused(device); // matrices always could; the others go by AdamW
  }

  protected override update(group: ParamGroup<MuonOptions>, batch: Batch, leaving?: Leaving): void {
    if (!group.matrices) {
      moveByAdamW(group, batch, leaving);
      return;
    }
    const isOut = leaving?.now.ne(0);
    const { lr, weightDecay, momentum, nesterov, nsSteps } = group;
    const { params, grads } = batch;
    for (const [i, buffer] of stateOf(batch, "momentum_buffer").entries()) {
      const param = params[i]!;
      const grad = isOut ? isOut.where(buffer, grads[i]!) : grads[i]!; // towards itself, the buffer stays
      buffer.lerp_(grad, 1 - momentum);
      const rows = param.size(0);
      const columns = param.numel / rows;
      const direction = (nesterov ? grad.mul(1 - momentum).add(buffer, { alpha: momentum }) : buffer).reshape([
        rows,
        columns,
      ]);
      const step = orthogonalised(direction, nsSteps).reshape(param.shape);
      const moved = param.mul(1 - lr * weightDecay).add_(step, { alpha: -lr * Math.sqrt(Math.max(1, rows / columns)) });
      param.copy_(isOut ? isOut.where(param, moved) : moved);
    }
  }

  protected override record(group: ParamGroup<MuonOptions>): GroupRecord {
    const { lr, weightDecay, matrices, momentum, nesterov, nsSteps } = group;
    if (!matrices) return { ...adamWRecord(group), use_muon: false };
    const newtonSchulz = { ns_coefficients: coefficients, ns_steps: nsSteps, eps: leastNorm, adjust_lr_fn: "original" };
    return { lr, weight_decay: weightDecay, momentum, nesterov, ...newtonSchulz, use_muon: true };
  }

  protected override restore(group: ParamGroup<MuonOptions>, record: ReadonlyMap<string, unknown>): void {
    if (!group.matrices) {
      restoreAdamW(group, record);
      return;
    }
    group.lr = numberIn(record, "lr", group.lr);
    group.weightDecay = numberIn(record, "weight_decay", group.weightDecay);
    group.momentum = numberIn(record, "momentum", group.momentum);
    group.nesterov = flagIn(record, "nesterov", group.nesterov);
    group.nsSteps = numberIn(record, "ns_steps", group.nsSteps);
  }
}

/** Of the quintic that brings singular values near 1 in few iterations (Jordan et al. 2024). */
const coefficients = [3.4445, -4.775, 2.0315] as const;

/** A matrix that is all zeros stays so. */
const leastNorm = 1e-7;

/** U·S'·Vᵀ of a matrix U·S·Vᵀ, with S' between about 0.7 and 1.2 after five iterations of Newton–Schulz where S was not tiny. */
function orthogonalised(matrix: Tensor, iterations: number): Tensor {
  const isTall = matrix.size(0) > matrix.size(1);
  const wide = isTall ? matrix.transpose(0, 1) : matrix; // the Gram matrix is of the shorter side
  const [a, b, c] = coefficients;
  let x = wide.div(wide.linalgVectorNorm().clamp({ min: leastNorm }));
  for (let i = 0; i < iterations; i++) {
    const gram = x.mm(x.transpose(0, 1));
    const polynomial = gram.mul(b).add(gram.mm(gram), { alpha: c });
    x = x.mul(a).add(polynomial.mm(x)); // a·X + b·XXᵀX + c·(XXᵀ)²X
  }
  return isTall ? x.transpose(0, 1) : x;
}
