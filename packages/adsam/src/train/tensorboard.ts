import { hostname } from "node:os";
import { join } from "node:path";
import { appendWhole } from "./append-whole.js";
import type { TrainEvents, TrainSubscriber } from "./events.js";
import { ProtoMessage } from "./protobuf.js";
import { tfRecord } from "./tfrecord.js";

/** Field numbers of tensorflow.Event, Summary, Summary.Value, Summary.Image and SessionLog (tensorboard/compat/proto). */
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 } as const;
const SUMMARY = { value: 1 } as const;
const VALUE = { tag: 1, simpleValue: 2, image: 4 } as const;
const IMAGE = { height: 1, width: 2, colorspace: 3, encoded: 4 } as const;
const SESSION_LOG = { status: 1, start: 1 } as const;
const RGB = 3;

export interface TensorBoardOptions {
  /** The clock: milliseconds since 1970. */
  readonly now?: () => number;
  /** Training steps between two points of the step curves. */
  readonly everySteps?: number;
}

/**
 * Scalars and sample pictures as a TensorBoard event file in `folder`; `tensorboard --logdir` shows them.
 * A resumed run begins a file of its own, which tells TensorBoard to forget the points after the step it resumes from.
 */
export class TensorBoardLog implements TrainSubscriber {
  readonly #folder: string;
  readonly #now: () => number;
  readonly #everySteps: number;
  #path: string | undefined;
  /** Batches whose gradients add up share a step, which is one point. */
  #lastStep: number | undefined;

  constructor(folder: string, { now = Date.now, everySteps = 10 }: TensorBoardOptions = {}) {
    this.#folder = folder;
    this.#now = now;
    this.#everySteps = everySteps;
  }

  runStarted({ resumedSteps }: TrainEvents["runStarted"]): void {
    this.#open();
    if (resumedSteps > 0) {
      const start = new ProtoMessage().varint(SESSION_LOG.status, SESSION_LOG.start);
      this.#write(new ProtoMessage().varint(EVENT.step, resumedSteps + 1).bytes(EVENT.sessionLog, start));
    }
  }

  stepFinished({ step, loss, lossParts, learningRates, gradNorm }: TrainEvents["stepFinished"]): void {
    if (step === this.#lastStep || (step % this.#everySteps !== 0 && this.#lastStep !== undefined)) return;
    this.#lastStep = step;
    this.scalars(step, {
      "step/loss": loss,
      ...prefixed("step/loss", lossParts),
      ...prefixed("step/learning rate", learningRates),
      ...(gradNorm === undefined ? {} : { "step/gradient norm": gradNorm }),
    });
  }

  epochFinished({ step, loss, lossParts, picturesPerSecond, residentBytes }: TrainEvents["epochFinished"]): void {
    this.scalars(step, {
      "epoch/loss": loss,
      ...prefixed("epoch/loss", lossParts),
      "run/pictures per second": picturesPerSecond,
      "run/resident MB": residentBytes / 1e6,
    });
  }

  validationFinished({ step, mIoU, pixelAccuracy }: TrainEvents["validationFinished"]): void {
    this.scalars(step, { "validation/mIoU": mIoU, "validation/pixel accuracy": pixelAccuracy });
  }

  sampleSaved({ id, step, png, size }: TrainEvents["sampleSaved"]): void {
    this.image(step, `samples/${id}`, png, size);
  }

  /** One point of each named curve. A value that is null or not finite is left out. */
  scalars(step: number, values: Readonly<Record<string, number | null>>): void {
    const summary = new ProtoMessage();
    for (const [tag, value] of Object.entries(values)) {
      if (value === null || !Number.isFinite(value)) continue;
      summary.bytes(SUMMARY.value, new ProtoMessage().bytes(VALUE.tag, tag).float(VALUE.simpleValue, value));
    }
    this.#write(new ProtoMessage().varint(EVENT.step, step).bytes(EVENT.summary, summary));
  }

  /** A picture, already PNG, RGB. */
  image(step: number, tag: string, png: Uint8Array, { height, width }: { height: number; width: number }): void {
    const image = new ProtoMessage()
      .varint(IMAGE.height, height)
      .varint(IMAGE.width, width)
      .varint(IMAGE.colorspace, RGB)
      .bytes(IMAGE.encoded, png);
    const value = new ProtoMessage().bytes(VALUE.tag, tag).bytes(VALUE.image, image);
    this.#write(
      new ProtoMessage().varint(EVENT.step, step).bytes(EVENT.summary, new ProtoMessage().bytes(SUMMARY.value, value)),
    );
  }

  #open(): string {
    const seconds = Math.floor(this.#now() / 1000);
    const name = `events.out.tfevents.${String(seconds).padStart(10, "0")}.${hostname()}.${process.pid}.0`;
    this.#path = join(this.#folder, name);
    this.#write(new ProtoMessage().bytes(EVENT.fileVersion, "brain.Event:2"));
    return this.#path;
  }

  #write(event: ProtoMessage): void {
    const path = this.#path ?? this.#open();
    const stamped = Buffer.concat([
      new ProtoMessage().double(EVENT.wallTime, this.#now() / 1000).encode(),
      event.encode(),
    ]);
    appendWhole(path, tfRecord(stamped));
  }
}

function prefixed(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}/${name}`, value]));
}
