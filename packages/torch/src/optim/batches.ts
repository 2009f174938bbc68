import { keep } from "../scope.js";
import type { Tensor } from "../tensor.js";

/** A parameter and what its optimiser remembers of it. */
export interface Member {
  readonly param: Tensor;
  /** Steps this parameter has taken: those in which it had a gradient. */
  step: number;
  /** By PyTorch's names: `exp_avg`, `momentum_buffer`, …. */
  state: Record<string, Tensor>;
}

/** Parameters that one call of a `foreach` operator moves together. */
export interface Batch {
  readonly members: Member[];
  readonly params: Tensor[];
  readonly grads: Tensor[];
  /** Steps taken before this one. */
  readonly step: number;
}

/**
 * About as many elements as a CPU's caches hold: a step's dozen passes over a batch then find it there, and the intermediates of a
 * large network do not exist all at once.
 */
const batchElements = 1 << 19;

/** Splits what is to be moved into batches of one dtype, device and step count, in order. */
export function batches(ready: readonly { member: Member; grad: Tensor }[]): Batch[] {
  const open = new Map<string, { batch: Batch; elements: number }>();
  const all: Batch[] = [];
  for (const { member, grad } of ready) {
    const key = `${member.param.dtype} ${grad.dtype} ${member.param.device} ${member.step}`;
    const elements = member.param.numel;
    let last = open.get(key);
    const most = member.param.device === "cpu" ? batchElements : Number.POSITIVE_INFINITY; // a GPU takes all at once
    if (!last || last.elements + elements > most) {
      last = { batch: { members: [], params: [], grads: [], step: member.step }, elements: 0 };
      open.set(key, last);
      all.push(last.batch);
    }
    last.elements += elements;
    last.batch.members.push(member);
    last.batch.params.push(member.param);
    last.batch.grads.push(grad);
  }
  return all;
}

/** The named state of every member, zeros like its parameter where there is none yet. */
export function stateOf(batch: Batch, name: string): Tensor[] {
  return batch.members.map((member) => {
    member.state[name] ??= keep(member.param.detach().zerosLike());
    return member.state[name];
  });
}
