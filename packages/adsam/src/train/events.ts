import type { ClassTable } from "../data/labels.js";
import type { Recipe } from "./recipe-schema.js";
import type { Subset } from "./subset.js";

/** Scores of one validation. IoUs lie in [0, 1]; a class absent from labels and predictions is null and counts nowhere. */
export interface ValidationScores {
  /** Null where no pixel was scored. */
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  /** In train-id order. */
  readonly perClassIoU: readonly (number | null)[];
  readonly pictures: number;
  readonly seconds: number;
}

/** What a trainer tells while it runs. Epochs count from 1; `step` is the number of optimiser steps done in the whole training. Times are seconds, memory is bytes. */
export interface TrainEvents {
  runStarted: {
    readonly out: string;
    readonly recipe: Recipe;
    /** Epochs already done by the run that this one resumes; 0 for a new one. */
    readonly resumedEpochs: number;
    readonly resumedSteps: number;
    /** Null where the run ends by `minutes`. */
    readonly epochs: number | null;
    /** Of the run in all, and those over when it was resumed; null where it ends by epochs. */
    readonly minutes: { readonly budget: number; readonly spent: number } | null;
    /** Batches an epoch. */
    readonly stepsPerEpoch: number;
    readonly trainPictures: number;
    /** Where they were drawn from a larger split; null: they are all of it. */
    readonly trainSubset: Subset | null;
    readonly valPictures: number;
    readonly classes: ClassTable;
    readonly device: string;
    readonly precision: string;
    readonly parameters: { readonly trained: number; readonly frozen: number };
  };
  /** Embeddings of the frozen encoder are read from a store, which the run fills. */
  embeddingsOpened: {
    readonly folder: string;
    readonly dtype: string;
    /** Embeddings in it, of this data set and of others. */
    readonly stored: number;
    /** Of the run's pictures, with their mirror images where it mirrors. */
    readonly wanted: number;
    /** On disk, with all of these stored. */
    readonly bytes: number;
    /** Null where the system does not say. */
    readonly freeBytes: number | null;
    /** Whether they are stored: false where the disk does not hold them. */
    readonly fits: boolean;
  };
  /** One batch has been learned from. Where gradients are accumulated, several batches share a `step`; `stepInEpoch` counts batches. */
  stepFinished: {
    readonly epoch: number;
    readonly step: number;
    readonly stepInEpoch: number;
    readonly stepsInEpoch: number;
    readonly loss: number;
    /** Each term of the loss before its weight: `{ focal: 0.12, dice: 0.8, … }`. */
    readonly lossParts: Readonly<Record<string, number>>;
    /** Parameter group → its learning rate in this step. */
    readonly learningRates: Readonly<Record<string, number>>;
    readonly pictures: number;
    readonly seconds: number;
    /** Norm of all gradients before clipping, where it was computed. */
    readonly gradNorm?: number;
  };
  validationProgressed: { readonly epoch: number; readonly done: number; readonly pictures: number };
  validationFinished: ValidationScores & { readonly epoch: number; readonly step: number; readonly best: boolean };
  /** After the epoch's validation, where it has one. Losses are means over the epoch's steps. */
  epochFinished: {
    readonly epoch: number;
    readonly step: number;
    readonly loss: number;
    readonly lossParts: Readonly<Record<string, number>>;
    readonly learningRates: Readonly<Record<string, number>>;
    readonly validation: ValidationScores | null;
    /** Training alone, without validation. */
    readonly seconds: number;
    /** Of the run so far, over all its sessions, with this epoch's validation. */
    readonly runSeconds: number;
    readonly picturesPerSecond: number;
    readonly residentBytes: number;
  };
  checkpointSaved: {
    readonly path: string;
    readonly kind: "last" | "best";
    readonly epoch: number;
    readonly step: number;
    readonly bytes: number;
  };
  sampleSaved: {
    readonly id: string;
    readonly path: string;
    readonly epoch: number;
    readonly step: number;
    /** The picture that was saved. */
    readonly png: Uint8Array;
    readonly size: { readonly height: number; readonly width: number };
  };
  warning: { readonly message: string };
  runFinished: {
    readonly reason: "finished" | "stopped" | "out of time";
    readonly epoch: number;
    readonly step: number;
    readonly seconds: number;
    readonly best: { readonly epoch: number; readonly mIoU: number } | null;
    readonly out: string;
  };
}

export type TrainEventName = keyof TrainEvents;

/** Handlers for some of the events; `close` releases what the subscriber holds. */
export type TrainSubscriber = { [Name in TrainEventName]?: (event: TrainEvents[Name]) => void } & { close?(): void };

/**
 * The trainer's only voice: it emits, and whoever subscribed prints or logs. Handlers run at once, in the order of subscription.
 * Where one fails (no disk space), the others still hear the event, and then `emit` throws the first failure.
 */
export class TrainEventStream {
  readonly #subscribers: TrainSubscriber[] = [];

  /** @returns a function that ends the subscription */
  subscribe(subscriber: TrainSubscriber): () => void {
    this.#subscribers.push(subscriber);
    return () => {
      const index = this.#subscribers.indexOf(subscriber);
      if (index >= 0) this.#subscribers.splice(index, 1);
    };
  }

  emit<Name extends TrainEventName>(name: Name, event: TrainEvents[Name]): void {
    this.#all((subscriber) => {
      const handler = subscriber[name] as ((event: TrainEvents[Name]) => void) | undefined;
      handler?.call(subscriber, event);
    });
  }

  /** Closes every subscriber and forgets it. */
  close(): void {
    try {
      this.#all((subscriber) => subscriber.close?.());
    } finally {
      this.#subscribers.length = 0;
    }
  }

  #all(tell: (subscriber: TrainSubscriber) => void): void {
    const failures: unknown[] = [];
    for (const subscriber of [...this.#subscribers]) {
      try {
        tell(subscriber);
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
