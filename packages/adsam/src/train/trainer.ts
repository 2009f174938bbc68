import { existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { Generator, numThreads, optim, Problem, scope, Tensor } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import type { Dataset } from "../data/dataset.js";
import { DataLoader } from "../data/loader.js";
import type { TransformRecipe } from "../data/transforms/recipe.js";
import type { MapKey } from "../losses/distance-maps.js";
import { HybridLoss } from "../losses/hybrid.js";
import type { AdSam } from "../models/ad-sam.js";
import { type Progress, readCheckpoint, restoreWeights, writeCheckpoint } from "./checkpoint.js";
import { type Compute, chooseCompute, withPrecision } from "./device.js";
import type { TrainEventStream } from "./events.js";
import { buildNetwork } from "./network.js";
import { buildOptimiser, learningRate, type Optimiser } from "./optimiser.js";
import type { Recipe } from "./recipe-schema.js";
import { validate } from "./validation.js";

export interface TrainOptions {
  readonly recipe: Recipe;
  readonly train: Dataset;
  readonly val: Dataset;
  readonly events: TrainEventStream;
  /** Continues from `<out>/last.pth`. */
  readonly resume?: boolean;
  /** Finishes the step at hand, saves, and ends. */
  readonly signal?: AbortSignal;
}

export interface TrainResult {
  readonly reason: "finished" | "stopped" | "out of time";
  readonly progress: Progress;
  readonly last: string;
  /** Absent until a validation was done. */
  readonly best: string | undefined;
}

const nothingDone: Progress = { epoch: 0, step: 0, batches: 0, lossSums: {}, epochSeconds: 0, best: null };

/** What random changes a recipe wants of training pictures. */
export function trainTransforms({ input, augment }: Recipe): TransformRecipe {
  const { brightness = 0, contrast = 0, saturation = 0 } = augment.jitter ?? {};
  return {
    size: { height: input.height, width: input.width },
    scale: augment.scale && [augment.scale[0], augment.scale[1]],
    crop: augment.crop,
    mirror: augment.mirror,
    jitter: augment.jitter && { brightness, contrast, saturation },
  };
}

/** Trains a network by a recipe. Tells `events` everything and prints nothing. */
export async function trainNetwork(options: TrainOptions): Promise<TrainResult> {
  const { recipe, resume = false } = options;
  const { out, seed } = recipe.run;
  const last = join(out, "last.pth");
  if (!resume && existsSync(last))
    throw new Problem({
      what: `run folder "${out}"`,
      found: "a run that was begun before (last.pth)",
      expected: "a new or empty folder",
      todo: "Add --resume to continue it, or choose another folder with --out.",
    });
  if (resume && !existsSync(last))
    throw new Problem({
      what: `--resume`,
      found: `no file "${last}"`,
      expected: "the run's last.pth",
      todo: "Leave --resume out to begin.",
    });
  mkdirSync(out, { recursive: true });
  const compute = chooseCompute(recipe.run);
  Generator.default().seed(seed);
  using network = buildNetwork(recipe, options.train.classes).to({ device: compute.device });
  using run = new Run(options, network, compute);
  if (resume) run.restore(last);
  return await run.finish();
}

/** One training run: the network, what moves it, and where it stands. */
class Run {
  private readonly recipe: Recipe;
  private readonly optimiser: Optimiser;
  private readonly scaler: optim.GradScaler;
  private readonly loss: HybridLoss;
  private readonly loader: DataLoader;
  private readonly rate: (step: number, peak: number) => number;
  private readonly peaks: readonly number[];
  private readonly stepsPerEpoch: number;
  private readonly started = performance.now();
  private progress: Progress = nothingDone;

  constructor(
    private readonly options: TrainOptions,
    private readonly network: AdSam,
    private readonly compute: Compute,
  ) {
    const { recipe, train } = options;
    this.recipe = recipe;
    this.optimiser = buildOptimiser(network, recipe);
    this.peaks = this.optimiser.groups.map((group) => group.lr);
    this.scaler = new optim.GradScaler({ enabled: compute.precision === "float16" });
    this.loss = new HybridLoss(recipe.loss);
    this.loader = new DataLoader({
      dataset: train,
      recipe: trainTransforms(recipe),
      batchSize: recipe.train.batchSize,
      mode: "training",
      seed: recipe.run.seed,
      dropLast: train.samples.length >= recipe.train.batchSize,
      workers: recipe.data.workers,
    });
    this.stepsPerEpoch = Math.ceil(this.loader.numBatches / recipe.optim.accumulate);
    this.rate = learningRate(recipe, this.stepsPerEpoch);
  }

  [Symbol.dispose](): void {
    void this.loader.close();
    this.optimiser.dispose();
    this.loss.dispose();
  }

  private get lastPath(): string {
    return join(this.recipe.run.out, "last.pth");
  }

  private get bestPath(): string {
    return join(this.recipe.run.out, "best.pth");
  }

  restore(path: string): void {
    scope(() => {
      const checkpoint = readCheckpoint(path);
      if (!checkpoint.training)
        throw new Problem({
          what: `checkpoint "${path}"`,
          found: "weights only",
          expected: "the state of a training run",
        });
      restoreWeights(this.network, checkpoint);
      this.optimiser.loadStateDict(checkpoint.training.optimizer as object);
      if (checkpoint.training.scaler instanceof Map) this.scaler.loadStateDict(checkpoint.training.scaler);
      Generator.default().state = checkpoint.training.generator;
      this.progress = checkpoint.progress;
    });
  }

  async finish(): Promise<TrainResult> {
    const { recipe, events } = { recipe: this.recipe, events: this.options.events };
    const count = (trained: boolean) =>
      this.network.parameters().reduce((sum, tensor) => sum + (tensor.requiresGrad === trained ? tensor.numel : 0), 0);
    events.emit("runStarted", {
      out: recipe.run.out,
      recipe,
      resumedEpochs: this.progress.epoch,
      resumedSteps: this.progress.step,
      epochs: recipe.train.epochs,
      stepsPerEpoch: this.loader.numBatches,
      trainPictures: this.options.train.samples.length,
      valPictures: this.options.val.samples.length,
      classes: this.options.train.classes,
      device: this.compute.device === "cpu" ? `cpu, ${numThreads()} threads` : this.compute.device,
      precision: this.compute.precision,
      parameters: { trained: count(true), frozen: count(false) },
    });
    let reason: TrainResult["reason"] = "finished";
    while (this.progress.epoch < recipe.train.epochs) {
      const stopped = await this.trainEpoch();
      if (stopped) {
        reason = stopped;
        this.save("last");
        break;
      }
      await this.endEpoch();
    }
    const { epoch, step, best } = this.progress;
    events.emit("runFinished", { reason, epoch, step, seconds: this.seconds(), best, out: recipe.run.out });
    return { reason, progress: this.progress, last: this.lastPath, best: best ? this.bestPath : undefined };
  }

  private seconds(): number {
    return (performance.now() - this.started) / 1000;
  }

  /** What ends a run before its last epoch, if anything. */
  private stopWanted(): "stopped" | "out of time" | undefined {
    if (this.options.signal?.aborted) return "stopped";
    const { stopAfterMinutes } = this.recipe.train;
    return stopAfterMinutes !== null && this.seconds() > stopAfterMinutes * 60 ? "out of time" : undefined;
  }

  /** Trains the batches of the epoch that are not done yet. */
  private async trainEpoch(): Promise<"stopped" | "out of time" | undefined> {
    const { accumulate } = this.recipe.optim;
    const { checkpointEvery } = this.recipe.train;
    const epoch = this.progress.epoch + 1;
    this.network.train();
    let before = performance.now();
    for await (const batch of this.loader.epoch(epoch, { skip: this.progress.batches })) {
      const place = this.progress.batches;
      const ends = place + 1 === this.loader.numBatches || (place + 1) % accumulate === 0;
      const group = Math.min(accumulate, this.loader.numBatches - Math.floor(place / accumulate) * accumulate);
      this.setRates();
      const parts = this.accumulateGradients(batch, group);
      const gradNorm = ends ? this.stepOptimiser() : undefined;
      const now = performance.now();
      const seconds = (now - before) / 1000;
      before = now;
      this.advance(parts, ends, seconds);
      const { total, ...lossParts } = parts;
      this.options.events.emit("stepFinished", {
        epoch,
        step: this.progress.step,
        stepInEpoch: this.progress.batches,
        stepsInEpoch: this.loader.numBatches,
        loss: total,
        lossParts,
        learningRates: this.learningRates(),
        pictures: batch.ids.length,
        seconds,
        ...(gradNorm !== undefined && { gradNorm }),
      });
      if (!ends) continue; // gradients under way are no part of a checkpoint
      const finished = this.progress.batches === this.loader.numBatches;
      if (checkpointEvery !== null && !finished && this.progress.step % checkpointEvery === 0) this.save("last");
      const stop = this.stopWanted();
      if (stop && !finished) return stop;
    }
    return undefined;
  }

  private setRates(): void {
    for (const [i, group] of this.optimiser.groups.entries()) group.lr = this.rate(this.progress.step, this.peaks[i]!);
  }

  private learningRates(): Record<string, number> {
    return Object.fromEntries(this.optimiser.groups.map((group, i) => [group.name ?? `group${i}`, group.lr]));
  }

  /** Adds a batch's gradients, as one of `group` that make a step. @returns the loss and its terms */
  private accumulateGradients(batch: Batch, group: number): { total: number } & Record<string, number> {
    const { height, width } = batch.size;
    const b = batch.ids.length;
    return scope(() => {
      const image = Tensor.share(batch.image, [b, 3, height, width]).to({ device: this.compute.device });
      const label = Tensor.share(batch.label, [b, height, width]).to({ device: this.compute.device });
      const logits = withPrecision(this.compute, () => this.network.call({ image })); // [B, C, H, W]
      const { total, parts } = this.loss.call(logits, label, this.mapKeys(batch));
      const value = total.item();
      if (!Number.isFinite(value)) throw this.notFinite(batch, value);
      this.scaler.scale(group === 1 ? total : total.div(group)).backward();
      return { total: value, ...Object.fromEntries(Object.entries(parts).map(([name, part]) => [name, part.item()])) };
    });
  }

  /** Whole pictures come again in each epoch, and their distance maps with them; random windows never do. */
  private mapKeys(batch: Batch): { keys?: MapKey[] } {
    const { crop, scale } = this.recipe.augment;
    if (crop || scale) return {};
    return { keys: batch.ids.map((id, place) => ({ id, mirrored: batch.mirrored[place]! })) };
  }

  private notFinite(batch: Batch, value: number): Problem {
    return new Problem({
      what: `the loss of epoch ${this.progress.epoch + 1}, batch ${this.progress.batches + 1} (${batch.ids.join(", ")})`,
      found: `${value}`,
      expected: "a finite number",
      todo: `Lower optim.lr, set optim.clipNorm (1 is usual) or optim.warmupSteps, and --resume: ${this.lastPath} was saved before this step and is whole.`,
    });
  }

  /** @returns the norm of all gradients before clipping, where it was computed */
  private stepOptimiser(): number | undefined {
    const { clipNorm } = this.recipe.optim;
    let norm: number | undefined;
    if (clipNorm !== null) {
      this.scaler.unscale_(this.optimiser);
      const params = this.optimiser.groups.flatMap((group) => group.params);
      norm = scope(() => optim.clipGradNorm_(params, clipNorm).item());
    }
    this.scaler.step(this.optimiser);
    this.scaler.update();
    this.optimiser.zeroGrad();
    return norm;
  }

  private advance(parts: Record<string, number>, stepped: boolean, seconds: number): void {
    const { progress } = this;
    const lossSums = Object.fromEntries(
      Object.entries(parts).map(([name, value]) => [name, (progress.lossSums[name] ?? 0) + value]),
    );
    this.progress = {
      ...progress,
      step: progress.step + (stepped ? 1 : 0),
      batches: progress.batches + 1,
      lossSums,
      epochSeconds: progress.epochSeconds + seconds,
    };
  }

  /** Validates, reports, saves: the last and, where it is, the best. */
  private async endEpoch(): Promise<void> {
    const { recipe, options } = this;
    const { epoch: done, step, batches, lossSums, epochSeconds, best } = this.progress;
    const epoch = done + 1;
    const wanted = epoch % recipe.train.valEvery === 0 || epoch === recipe.train.epochs;
    const validation = wanted
      ? await validate({
          network: this.network,
          dataset: options.val,
          recipe,
          compute: this.compute,
          events: options.events,
          epoch,
          step,
        })
      : null;
    const isBest = validation?.mIoU != null && validation.mIoU > (best?.mIoU ?? Number.NEGATIVE_INFINITY);
    if (validation) options.events.emit("validationFinished", { ...validation, epoch, step, best: isBest });
    const means = Object.fromEntries(Object.entries(lossSums).map(([name, sum]) => [name, sum / batches]));
    const { total = Number.NaN, ...lossParts } = means;
    const pictures = Math.min(options.train.samples.length, batches * recipe.train.batchSize);
    this.progress = {
      ...nothingDone,
      epoch,
      step,
      best: isBest ? { epoch, mIoU: validation!.mIoU! } : best,
    };
    if (isBest) this.save("best");
    options.events.emit("epochFinished", {
      epoch,
      step,
      loss: total,
      lossParts,
      learningRates: this.learningRates(),
      validation,
      seconds: epochSeconds,
      picturesPerSecond: pictures / epochSeconds,
      residentBytes: process.memoryUsage.rss(),
    });
    this.save("last");
  }

  private save(kind: "last" | "best"): void {
    const path = kind === "last" ? this.lastPath : this.bestPath;
    const header = { recipe: this.recipe, classes: this.options.train.classes, progress: this.progress };
    scope(() => {
      const training =
        kind === "last"
          ? {
              optimizer: this.optimiser.stateDict(),
              scaler: this.scaler.stateDict(),
              generator: Generator.default().state,
            }
          : undefined;
      writeCheckpoint(path, this.network, header, training);
    });
    const { epoch, step } = this.progress;
    this.options.events.emit("checkpointSaved", { path, kind, epoch, step, bytes: statSync(path).size });
  }
}
