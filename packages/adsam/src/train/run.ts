import { statSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { numThreads, Problem, scope } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Batch } from "../data/batch.js";
import { DataLoader } from "../data/loader.js";
import { evaluationLoader } from "../evaluate/evaluate.js";
import type { Segmenter } from "../models/segmenter.js";
import { type Progress, readCheckpoint, requireTrainingState, restoreWeights, writeCheckpoint } from "./checkpoint.js";
import type { TrainEvents, ValidationScores } from "./events.js";
import { Learner, type LossValues } from "./learner.js";
import { parameterCounts } from "./network.js";
import { notFinite } from "./not-finite.js";
import { randomFrozenNorm } from "./random-resnet.js";
import type { Reading } from "./reading.js";
import type { Recipe } from "./recipe-schema.js";
import { checkContinuation } from "./resume.js";
import { RunClock } from "./run-clock.js";
import type { RunFolder } from "./run-folder.js";
import type { StepValues } from "./stepper.js";
import { StoredEmbeddings, usesStore } from "./stored-embeddings.js";
import { subsetOf } from "./subset.js";
import type { TrainOptions, TrainResult } from "./trainer.js";
import { trainTransforms, zoomAt } from "./transforms.js";
import { validate } from "./validation.js";

type Stop = Exclude<TrainResult["reason"], "finished">;

/** Batches that a GPU may be behind: enough for it never to wait, few enough that a failure is told of soon. */
const batchesAhead = 2;

/** A batch learned from: its numbers, which the device may still be computing, and what else there is to tell. */
interface Untold {
  readonly losses: Reading<LossValues>;
  /** Where it completed a step. */
  readonly moved: Reading<StepValues> | undefined;
  readonly ids: readonly string[];
  /** The pictures whose gradients made the step. */
  readonly gathered: readonly string[];
  readonly about: Omit<TrainEvents["stepFinished"], "epoch" | "loss" | "lossParts" | "gradNorm">;
}

const nothingDone: Progress = { epoch: 0, step: 0, batches: 0, lossSums: {}, epochSeconds: 0, seconds: 0, best: null };

/** One training run: the course of its epochs, and where it stands in them. */
export class Run implements AsyncDisposable {
  private readonly recipe: Recipe;
  private readonly loader: DataLoader;
  private readonly valLoader: DataLoader;
  private readonly learner: Learner;
  private readonly clock: RunClock;
  private embeddings: StoredEmbeddings | undefined;
  private lapStart = 0;
  private progress: Progress = nothingDone;
  /** Pictures whose gradients make the next step, and those that made the last. */
  private gathered: readonly string[] = [];
  /** Batches learned from whose numbers nobody has heard of yet: none on the CPU, where they are known at once. */
  private readonly untold: Untold[] = [];
  private learned: readonly string[] = [];
  /** Seconds of the run when its last validation ended, or this session began. */
  private validatedAt = 0;
  /** Whether a checkpoint of this run stands in its folder. */
  private hasSaved = false;

  constructor(
    private readonly options: TrainOptions,
    private readonly folder: RunFolder,
    private readonly network: Segmenter,
    private readonly compute: Compute,
  ) {
    const { recipe, train, val } = options;
    const { batchSize } = recipe.train;
    this.recipe = recipe;
    this.clock = new RunClock(recipe.train.minutes);
    const hashed = usesStore(recipe);
    this.loader = new DataLoader({
      dataset: train,
      recipe: trainTransforms(recipe),
      batchSize,
      mode: "training",
      seed: recipe.run.seed,
      dropLast: train.samples.length >= batchSize,
      workers: recipe.data.workers,
      hashed,
    });
    this.valLoader = evaluationLoader({ dataset: val, input: recipe.input, workers: recipe.data.workers, hashed });
    const stepsPerEpoch = Math.ceil(this.loader.numBatches / recipe.optim.accumulate);
    this.learner = new Learner(network, recipe, compute, { stepsPerEpoch });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.learner[Symbol.dispose]();
    this.embeddings?.[Symbol.dispose]();
    await Promise.all([this.loader.close(), this.valLoader.close()]);
  }

  /** Takes everything over from the last checkpoint. */
  restore(): void {
    scope(() => {
      const saved = readCheckpoint(this.folder.last);
      const training = requireTrainingState(saved);
      checkContinuation(saved.recipe, this.recipe, saved.progress);
      restoreWeights(this.network, saved);
      this.learner.restore(training);
      this.progress = { ...nothingDone, ...saved.progress }; // older files do not count the seconds
    });
    this.hasSaved = true;
  }

  async finish(): Promise<TrainResult> {
    const { events } = this.options;
    this.clock.start(this.progress.seconds);
    this.validatedAt = this.progress.seconds;
    this.tellStart();
    this.embeddings = this.openEmbeddings();
    let stop: Stop | undefined;
    while (!this.isOver() && !stop) stop = (await this.trainEpoch()) ?? (await this.endEpoch()) ?? this.stopWanted();
    const { epoch, step, best } = this.progress;
    const reason = stop && !this.isOver() ? stop : "finished";
    events.emit("runFinished", {
      reason,
      epoch,
      step,
      seconds: this.clock.sessionSeconds,
      best,
      out: this.folder.path,
    });
    return { reason, progress: this.progress, last: this.folder.last, best: best ? this.folder.best : undefined };
  }

  /** Whether nothing is left to be trained. Where time decides, an epoch that it ends counts as one. */
  private isOver(): boolean {
    const { epochs, minutes } = this.recipe.train;
    const { epoch, batches, seconds } = this.progress;
    return minutes === null ? epoch >= epochs : batches === 0 && seconds >= 60 * minutes;
  }

  /** Of the encoder with its weights as they are now, those of a resumed run among them. */
  private openEmbeddings(): StoredEmbeddings | undefined {
    const { recipe, compute, network, options } = this;
    const { train, val, events } = options;
    const pictures = { train: train.samples.length, val: val.samples.length };
    return StoredEmbeddings.open({ recipe, compute, network, events, pictures });
  }

  private tellStart(): void {
    const { recipe, options, progress } = this;
    options.events.emit("runStarted", {
      out: recipe.run.out,
      recipe,
      resumedEpochs: progress.epoch,
      resumedSteps: progress.step,
      epochs: recipe.train.minutes === null ? recipe.train.epochs : null,
      minutes: this.clock.budget,
      stepsPerEpoch: this.loader.numBatches,
      trainPictures: options.train.samples.length,
      trainSubset: subsetOf(options.train),
      valPictures: options.val.samples.length,
      classes: options.train.classes,
      device: deviceTitle(this.compute),
      precision: this.compute.precision,
      parameters: parameterCounts(this.network, recipe),
    });
    const doubt = this.hasSaved ? undefined : randomFrozenNorm(recipe); // a resumed run has been told
    if (doubt !== undefined) options.events.emit("warning", { message: doubt });
  }

  /** The share of the run that is over, by its minutes or, in whole epochs, by these. */
  private share(): number {
    const { epochs, minutes } = this.recipe.train;
    return minutes === null ? this.progress.epoch / epochs : this.clock.share;
  }

  /** Seconds since the last call. */
  private lap(): number {
    const before = this.lapStart;
    this.lapStart = performance.now();
    return (this.lapStart - before) / 1000;
  }

  /** What ends a run before its last epoch, if anything. */
  private stopWanted(): Stop | undefined {
    if (this.options.signal?.aborted) return "stopped";
    const { stopAfterMinutes } = this.recipe.train;
    return stopAfterMinutes !== null && this.clock.sessionSeconds > stopAfterMinutes * 60 ? "out of time" : undefined;
  }

  /** Trains the batches of the epoch that are not done yet; saved where it stops within. */
  private async trainEpoch(): Promise<Stop | undefined> {
    const { checkpointEvery } = this.recipe.train;
    this.network.train();
    this.lap();
    for await (const batch of this.batches()) {
      const ends = this.learn(batch);
      if (!ends) continue; // gradients under way are no part of a checkpoint
      const isTimeUp = this.clock.share >= 1;
      const isLast = this.progress.batches === this.loader.numBatches || isTimeUp;
      await nextTurn(); // where batches lie ready no event is heard all the epoch, Ctrl-C neither
      const stop = this.stopWanted();
      if (stop === "stopped" || (stop && !isLast)) {
        this.save("last");
        return stop;
      }
      if (isTimeUp) break;
      if (checkpointEvery !== null && !isLast && this.progress.step % checkpointEvery === 0) this.save("last");
    }
    return undefined;
  }

  /** The epoch's batches that are to come. Where one cannot be read, the steps done so far are saved before the error goes on. */
  private async *batches(): AsyncGenerator<Batch, void, undefined> {
    try {
      const { epoch, batches: skip } = this.progress;
      yield* this.loader.epoch(epoch + 1, { skip, reuse: true, zoom: zoomAt(this.recipe, this.share()) });
    } catch (error) {
      const { batches } = this.progress;
      if (!(error instanceof Problem) || this.gathered.length > 0 || batches === 0) throw error;
      this.save("last");
      const todo = `${error.parts.todo ?? ""} What was learned so far is saved: mend the file, then continue with --resume.`;
      throw new Problem({ ...error.parts, todo: todo.trim() }, { cause: error });
    }
  }

  /** Learns from one batch, and tells of those whose numbers are known. @returns whether it completed an optimiser step */
  private learn(batch: Batch): boolean {
    const { accumulate } = this.recipe.optim;
    const { numBatches } = this.loader;
    const place = this.progress.batches;
    const ends = place + 1 === numBatches || (place + 1) % accumulate === 0;
    const group = Math.min(accumulate, numBatches - Math.floor(place / accumulate) * accumulate);
    this.learner.setRates(this.progress.step, this.clock.share);
    this.gathered = [...this.gathered, ...batch.ids];
    const losses = this.learner.accumulate(batch, group, this.embeddings);
    if (losses.known) this.requireFinite(losses.value, batch.ids, place + 1); // on the CPU: before anything moves
    const moved = ends ? this.learner.step() : undefined;
    const seconds = this.lap();
    this.advance(ends, seconds);
    const { step, batches: stepInEpoch } = this.progress;
    const { learningRates } = this.learner;
    const about = { step, stepInEpoch, stepsInEpoch: numBatches, learningRates, pictures: batch.ids.length, seconds };
    this.untold.push({ losses, moved, ids: batch.ids, gathered: this.gathered, about });
    if (ends) {
      this.learned = this.gathered;
      this.gathered = [];
    }
    this.tell(batchesAhead);
    return ends;
  }

  /** Tells of the batches whose numbers are known, and waits where more than `most` are left. @throws Problem where one went wrong */
  private tell(most: number): void {
    for (let first = this.untold[0]; first; first = this.untold[0]) {
      const { losses, moved, ids, gathered, about } = first;
      if (this.untold.length <= most && !(losses.known && moved?.known !== false)) return;
      this.untold.shift();
      this.requireFinite(losses.value, ids, about.stepInEpoch);
      if (moved?.value.givenUp)
        throw this.failure("gradient", `a norm of ${moved.value.gradNorm}`, gathered, about.stepInEpoch);
      const { total, ...lossParts } = losses.value;
      this.addLosses(losses.value);
      this.options.events.emit("stepFinished", {
        epoch: this.progress.epoch + 1,
        ...about,
        loss: total,
        lossParts,
        ...(moved && { gradNorm: moved.value.gradNorm }),
      });
    }
  }

  private requireFinite({ total }: LossValues, ids: readonly string[], batch: number): void {
    if (!Number.isFinite(total)) throw this.failure("loss", `${total}`, ids, batch);
  }

  /** Numbers that went wrong in a batch of the epoch, or (weights) in the last one learned from. */
  private failure(of: "loss" | "gradient" | "weights", found: string, ids: readonly string[], batch = 0): Problem {
    const saved = this.hasSaved ? this.folder.last : undefined;
    const { epoch, batches } = this.progress;
    if (of !== "weights") return notFinite(of, found, { epoch: epoch + 1, batch, ids, saved });
    const place = batches > 0 ? { epoch: epoch + 1, batch: batches } : { epoch, batch: this.loader.numBatches };
    return notFinite(of, found, { ...place, ids, saved });
  }

  private advance(stepped: boolean, seconds: number): void {
    const { progress } = this;
    this.progress = {
      ...progress,
      step: progress.step + (stepped ? 1 : 0),
      batches: progress.batches + 1,
      epochSeconds: progress.epochSeconds + seconds,
      seconds: this.clock.seconds,
    };
  }

  private addLosses(losses: LossValues): void {
    const { lossSums } = this.progress;
    const add = ([name, value]: [string, number]) => [name, (lossSums[name] ?? 0) + value];
    this.progress = { ...this.progress, lossSums: Object.fromEntries(Object.entries(losses).map(add)) };
  }

  private isValidationDue(epoch: number): boolean {
    const { valEvery, valEveryMinutes } = this.recipe.train;
    if (valEveryMinutes === null) return epoch % valEvery === 0;
    return this.clock.seconds - this.validatedAt >= 60 * valEveryMinutes;
  }

  /** Validates, reports, saves: the last and, where it is, the best. A validation that is interrupted is done anew by the resumed run. */
  private async endEpoch(): Promise<Stop | undefined> {
    const { recipe, options } = this;
    this.tell(0);
    const epoch = this.progress.epoch + 1;
    let validation: ValidationScores | null = null;
    const { epochs, minutes } = recipe.train;
    const { seconds } = this.progress;
    const isLast = minutes === null ? epoch === epochs : seconds >= 60 * minutes;
    if (this.isValidationDue(epoch) || isLast) {
      this.save("last"); // a validation may take as long as the epoch did
      const { network, compute, embeddings, valLoader: loader } = this;
      const { events, signal } = options;
      const { step } = this.progress;
      validation = await validate({
        network,
        loader,
        recipe,
        compute,
        embeddings,
        events,
        epoch,
        step,
        zoom: isLast ? 1 : zoomAt(recipe, this.share()),
        ...(signal && { signal }),
      });
      if (signal?.aborted) return "stopped";
      this.validatedAt = this.clock.seconds;
    }
    const { step, batches, lossSums, epochSeconds, best } = this.progress;
    const isBest = validation?.mIoU != null && validation.mIoU > (best?.mIoU ?? Number.NEGATIVE_INFINITY);
    if (validation) options.events.emit("validationFinished", { ...validation, epoch, step, best: isBest });
    const means = Object.fromEntries(Object.entries(lossSums).map(([name, sum]) => [name, sum / batches]));
    const { total = Number.NaN, ...lossParts } = means;
    const pictures = Math.min(options.train.samples.length, batches * recipe.train.batchSize);
    const nextBest = isBest ? { epoch, mIoU: validation!.mIoU! } : best;
    this.progress = { ...nothingDone, epoch, step, seconds: validation ? this.clock.seconds : seconds, best: nextBest };
    if (isBest) this.save("best");
    options.events.emit("epochFinished", {
      epoch,
      step,
      loss: total,
      lossParts,
      learningRates: this.learner.learningRates,
      validation,
      seconds: epochSeconds,
      runSeconds: this.clock.seconds,
      picturesPerSecond: pictures / epochSeconds,
      residentBytes: process.memoryUsage.rss(),
    });
    this.save("last");
    return undefined;
  }

  /** @throws Problem where weights are not finite: nothing is written then */
  private save(kind: "last" | "best"): void {
    this.tell(0);
    const path = this.folder[kind];
    const broken = this.learner.firstNotFinite();
    if (broken) throw this.failure("weights", `values in ${broken} that are not finite`, this.learned);
    const header = { recipe: this.recipe, classes: this.options.train.classes, progress: this.progress };
    scope(() => writeCheckpoint(path, this.network, header, kind === "last" ? this.learner.state() : undefined));
    this.hasSaved ||= kind === "last";
    const { epoch, step } = this.progress;
    this.options.events.emit("checkpointSaved", { path, kind, epoch, step, bytes: statSync(path).size });
  }
}

function deviceTitle({ device }: Compute): string {
  if (device !== "cpu") return device;
  const threads = numThreads();
  return `cpu, ${threads} ${threads === 1 ? "thread" : "threads"}`;
}
