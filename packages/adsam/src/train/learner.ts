import { Generator, scope, send, stack, Tensor } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Batch } from "../data/batch.js";
import type { BatchEmbeddings } from "../embed/batch-embeddings.js";
import { batchTrainingLogits } from "../evaluate/batch-logits.js";
import type { MapKey } from "../losses/distance-maps.js";
import { HybridLoss } from "../losses/hybrid.js";
import type { Segmenter } from "../models/segmenter.js";
import type { TrainingState } from "./checkpoint.js";
import { buildOptimiser, learningRate, type Optimiser } from "./optimiser.js";
import { Reading } from "./reading.js";
import type { Recipe } from "./recipe-schema.js";
import { type Stepper, type StepValues, stepperFor } from "./stepper.js";

/** A batch's loss, and each term of it before its weight. */
export type LossValues = { readonly total: number } & Readonly<Record<string, number>>;

/** The loss of an auxiliary head counts so much beside the network's own, as in torchvision's training of DeepLabV3. */
const auxiliaryWeight = 0.4;

type LossParts = { readonly total: Tensor; readonly parts: Readonly<Record<string, Tensor>> };

/** What moves a network: loss, gradients, optimiser, learning rates. It knows batches and steps, and nothing of epochs or files. */
export class Learner {
  private readonly optimiser: Optimiser;
  private readonly stepper: Stepper;
  private readonly loss: HybridLoss;
  private readonly rate: ReturnType<typeof learningRate>;
  private readonly peaks: readonly number[];

  /** @param options.stepsPerEpoch optimiser steps an epoch, for schedules that move by epoch */
  constructor(
    private readonly network: Segmenter,
    private readonly recipe: Recipe,
    private readonly compute: Compute,
    { stepsPerEpoch }: { readonly stepsPerEpoch: number },
  ) {
    this.optimiser = buildOptimiser(network, recipe);
    this.peaks = this.optimiser.groups.map((group) => group.lr);
    this.stepper = stepperFor(this.optimiser, { clipNorm: recipe.optim.clipNorm, ...compute });
    const { classWeights } = recipe.loss;
    if (classWeights === "auto") throw new Error("loss.classWeights auto: not settled before the run");
    this.loss = new HybridLoss({ ...recipe.loss, classWeights, ...(seesWindows(recipe) && { maxMapBytes: 0 }) });
    this.rate = learningRate(recipe, stepsPerEpoch);
  }

  /** Parameter group → the learning rate in force. */
  get learningRates(): Record<string, number> {
    return Object.fromEntries(this.optimiser.groups.map((group, i) => [group.name ?? `group${i}`, group.lr]));
  }

  /** Sets the learning rates of optimiser step `step`, counted from 0. @param share of the run's minutes that is over */
  setRates(step: number, share = 0): void {
    for (const [i, group] of this.optimiser.groups.entries()) group.lr = this.rate(step, this.peaks[i]!, share);
  }

  /**
   * Adds a batch's gradients, as one of `group` batches that make a step together: the step's gradient is the mean over them.
   * On the CPU a loss that is not finite leaves the gradients as they were; on a GPU, where looking would wait, `step` leaves the step out.
   * @param embeddings stand in for the network's encoder
   */
  accumulate(batch: Batch, group: number, embeddings?: BatchEmbeddings): Reading<LossValues> {
    const { height, width } = batch.size;
    return scope(() => {
      const label = send(Tensor.share(batch.label, [batch.ids.length, height, width]), this.compute.device);
      const { logits, auxiliary } = batchTrainingLogits(this.network, batch, { compute: this.compute, embeddings });
      const keys = this.mapKeys(batch);
      let { total, parts }: LossParts = this.loss.call(logits, label, keys); // of [B, C, H, W]
      if (auxiliary) {
        const beside = this.loss.call(auxiliary, label, keys).total;
        parts = { ...parts, auxiliary: beside.detach() };
        total = total.add(beside.mul(auxiliaryWeight));
      }
      const names = ["total", ...Object.keys(parts)];
      const values = stack([total.detach(), ...Object.values(parts)]);
      const reading = Reading.of(values, (numbers) => namedNumbers(names, numbers) as LossValues);
      if (this.compute.device !== "cpu" || Number.isFinite(reading.value.total))
        this.stepper.scale(group === 1 ? total : total.div(group)).backward();
      return reading;
    });
  }

  private mapKeys(batch: Batch): { keys?: MapKey[] } {
    if (seesWindows(this.recipe)) return {};
    return { keys: batch.ids.map((id, place) => ({ id, mirrored: batch.mirrored[place]! })) };
  }

  /** Moves the weights along the gradients gathered, and forgets these. Where they are not finite nothing moves. */
  step(): Reading<StepValues> {
    const values = this.stepper.step();
    this.optimiser.zeroGrad();
    return values;
  }

  /** The first weight or running statistic that holds a value which is not finite; what is frozen cannot. */
  firstNotFinite(): string | undefined {
    const moving = [...this.network.namedParameters()].filter(([, tensor]) => tensor.requiresGrad);
    for (const [name, tensor] of [...moving, ...this.network.namedBuffers()])
      if (!Number.isFinite(scope(() => tensor.detach().abs().max().item()))) return name;
    return undefined;
  }

  /** What a checkpoint needs beside the weights; tensors of the optimiser itself and of the current scope. */
  state(): TrainingState {
    return {
      optimizer: this.optimiser.stateDict(),
      scaler: this.stepper.stateDict(),
      generator: Generator.default().state,
    };
  }

  /** @throws Problem where the state belongs to another network or another choice of what is trained */
  restore({ optimizer, scaler, generator }: TrainingState): void {
    this.optimiser.loadStateDict(optimizer as object);
    if (scaler instanceof Map) this.stepper.loadStateDict(scaler);
    Generator.default().state = generator;
  }

  [Symbol.dispose](): void {
    this.stepper.dispose();
    this.optimiser.dispose();
    this.loss.dispose();
  }
}

/** Whole pictures come again in each epoch, and their distance maps are kept; random windows, turned and growing pictures never do, and theirs would only pile up. */
function seesWindows({ augment }: Recipe): boolean {
  return augment.crop !== null || augment.scale !== null || augment.grow !== null || augment.rotate > 0;
}

function namedNumbers(names: readonly string[], numbers: Float64Array): Record<string, number> {
  return Object.fromEntries(names.map((name, place) => [name, numbers[place]!]));
}
