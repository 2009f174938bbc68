import {
  foreachAdd_,
  foreachAddcdiv_,
  foreachAddcmul_,
  foreachDiv_,
  foreachMaximum_,
  foreachMul_,
  foreachSqrt,
  full,
} from "../generated/functions.js";
import { callOperator, hasOperator } from "../operators.js";
import type { Tensor } from "../tensor.js";
import { type Batch, stateOf } from "./batches.js";
import { type CommonOptions, type GroupSpec, type Leaving, Optimizer, type ParamGroup } from "./optimizer.js";
import { flagIn, type GroupRecord, numberIn } from "./state.js";

export interface AdamWOptions extends CommonOptions {
  /** Decay of the running means of the gradient and of its square. */
  betas: readonly [number, number];
  /** Added to the root of the mean square. */
  eps: number;
  /** Divides by the largest mean square so far. */
  amsgrad: boolean;
}

/** Adam with decoupled weight decay (Loshchilov & Hutter 2019, algorithm 2), in the order of operations of `torch.optim.AdamW`. */
export class AdamW extends Optimizer<AdamWOptions> {
  constructor(
    params: Iterable<Tensor> | Iterable<GroupSpec<AdamWOptions>>,
    { lr = 1e-3, betas = [0.9, 0.999], eps = 1e-8, weightDecay = 1e-2, amsgrad = false }: Partial<AdamWOptions> = {},
  ) {
    super(params, { lr, betas, eps, weightDecay, amsgrad });
  }

  protected override looksItself({ device }: Tensor): boolean {
    return isFused(device);
  }

  protected override update(group: ParamGroup<AdamWOptions>, batch: Batch, leaving?: Leaving): void {
    moveByAdamW(group, batch, leaving);
  }

  protected override record(group: ParamGroup<AdamWOptions>): GroupRecord {
    return adamWRecord(group);
  }

  protected override restore(group: ParamGroup<AdamWOptions>, record: ReadonlyMap<string, unknown>): void {
    restoreAdamW(group, record);
  }
}

/** On a GPU libtorch 2 has the whole step in one kernel, which heeds a step to leave out. The CPU keeps to the operations below, and so to the same bits. */
export function isFused(device: string): boolean {
  return device.startsWith("cuda") && hasOperator("aten::_fused_adamw_");
}

/** One step of a batch of parameters. */
export function moveByAdamW(options: AdamWOptions, batch: Batch, leaving?: Leaving): void {
  if (isFused(batch.params[0]!.device)) moveFused(options, batch, leaving);
  else moveByParts(options, batch);
}

function moveFused({ lr, betas, eps, weightDecay, amsgrad }: AdamWOptions, batch: Batch, leaving?: Leaving): void {
  const { params, grads } = batch;
  const counted = full([], batch.step + 1, { dtype: "float32", device: params[0]!.device });
  const step = leaving?.before ? counted.sub(leaving.before) : counted;
  const largest = amsgrad ? stateOf(batch, "max_exp_avg_sq") : [];
  const states = [stateOf(batch, "exp_avg"), stateOf(batch, "exp_avg_sq"), largest, params.map(() => step)];
  const numbers = [lr, betas[0], betas[1], weightDecay, eps, amsgrad, false];
  callOperator("aten::_fused_adamw_", "", [params, grads, ...states, ...numbers, undefined, leaving?.now]);
}

function moveByParts({ lr, betas, eps, weightDecay, amsgrad }: AdamWOptions, batch: Batch): void {
  const [beta1, beta2] = betas;
  const step = batch.step + 1;
  const { params, grads } = batch;
  const means = stateOf(batch, "exp_avg");
  const squares = stateOf(batch, "exp_avg_sq");
  if (weightDecay !== 0) foreachMul_(params, 1 - lr * weightDecay);
  foreachMul_(means, beta1);
  foreachAdd_(means, grads, { alpha: 1 - beta1 });
  foreachMul_(squares, beta2);
  foreachAddcmul_(squares, grads, grads, { value: 1 - beta2 });
  const largest = amsgrad ? stateOf(batch, "max_exp_avg_sq") : squares;
  if (amsgrad) foreachMaximum_(largest, squares);
  const denominators = foreachSqrt(largest);
  foreachDiv_(denominators, Math.sqrt(1 - beta2 ** step));
  foreachAdd_(denominators, eps);
  foreachAddcdiv_(params, means, denominators, { value: -lr / (1 - beta1 ** step) });
  for (const tensor of denominators) tensor.dispose();
}

/** The options by PyTorch's names. */
export function adamWRecord({ lr, betas, eps, weightDecay, amsgrad }: AdamWOptions): GroupRecord {
  const others = { maximize: false, foreach: null, capturable: false, differentiable: false, fused: null };
  return { lr, betas: [...betas], eps, weight_decay: weightDecay, amsgrad, ...others };
}

/** The inverse of {@link adamWRecord}; what is missing stays. */
export function restoreAdamW(group: AdamWOptions, record: ReadonlyMap<string, unknown>): void {
  const betas = (record.get("betas") ?? group.betas) as readonly number[];
  group.lr = numberIn(record, "lr", group.lr);
  group.betas = [Number(betas[0]), Number(betas[1])];
  group.eps = numberIn(record, "eps", group.eps);
  group.weightDecay = numberIn(record, "weight_decay", group.weightDecay);
  group.amsgrad = flagIn(record, "amsgrad", group.amsgrad);
}
