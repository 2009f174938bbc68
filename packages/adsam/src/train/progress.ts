import cliProgress from "cli-progress";
import { diskSize } from "../data/embeddings/disk-space.js";
import { duration } from "./duration.js";
import type { TrainEvents, TrainSubscriber } from "./events.js";

export interface ProgressOptions {
  /** Where the lines go; a bar is drawn where it is a terminal. */
  readonly stream: NodeJS.WriteStream | (NodeJS.WritableStream & { isTTY?: boolean });
  /** Seconds between two lines where the stream is no terminal. */
  readonly everySeconds?: number;
  /** The clock, in milliseconds. */
  readonly now?: () => number;
  /** Resident memory, in bytes. */
  readonly residentBytes?: () => number;
}

/** Shows a run to a person: a bar on a terminal, a line now and then elsewhere, and one line an epoch in both. */
export function trainProgress(options: ProgressOptions): TrainSubscriber {
  return new Progress(options);
}

class Progress implements TrainSubscriber {
  readonly #stream: ProgressOptions["stream"];
  readonly #everyMs: number;
  readonly #now: () => number;
  readonly #residentBytes: () => number;
  #bar: cliProgress.SingleBar | undefined;
  #lastLineAt = Number.NEGATIVE_INFINITY;
  #run: TrainEvents["runStarted"] | undefined;
  #startedAt = 0;
  /** Batches done before this run began: those of the run it resumes. */
  #doneBefore: number | undefined;
  #mIoU: number | null = null;
  /** Smoothed length of a training step. */
  #secondsPerStep: number | null = null;
  #picturesPerSecond = 0;

  constructor({ stream, everySeconds = 10, now = Date.now, residentBytes }: ProgressOptions) {
    this.#stream = stream;
    this.#everyMs = everySeconds * 1000;
    this.#now = now;
    this.#residentBytes = residentBytes ?? (() => process.memoryUsage.rss());
  }

  runStarted(event: TrainEvents["runStarted"]): void {
    this.#run = event;
    this.#startedAt = this.#now();
    const resumed = event.resumedEpochs > 0 ? `, resumed after epoch ${event.resumedEpochs}` : "";
    const { trained, frozen } = event.parameters;
    this.#line(
      `${event.trainPictures}${drawnText(event.trainSubset)} training and ${event.valPictures} validation pictures, ${event.classes.names.length} classes; ` +
        `${millions(trained)} parameters train, ${millions(frozen)} are frozen; ${event.device}, ${event.precision}${resumed}`,
    );
  }

  embeddingsOpened({ folder, dtype, stored, wanted, bytes, freeBytes, fits }: TrainEvents["embeddingsOpened"]): void {
    const free = freeBytes === null ? "" : `, ${diskSize(freeBytes)} free`;
    const kept = fits ? "" : "; not stored any further, as its disk does not hold them";
    this.#line(
      `embeddings of the frozen encoder, each computed once: ${dtype} in ${folder}, ${stored} stored, ` +
        `${diskSize(bytes)} for the ${wanted} of this run${free}${kept}`,
    );
  }

  stepFinished(event: TrainEvents["stepFinished"]): void {
    const { seconds, pictures } = event;
    this.#secondsPerStep = this.#secondsPerStep === null ? seconds : 0.9 * this.#secondsPerStep + 0.1 * seconds;
    this.#picturesPerSecond = pictures / this.#secondsPerStep;
    const label = this.#epochText(event.epoch);
    const facts = [
      `loss ${event.loss.toFixed(4)}`,
      ...(this.#mIoU === null ? [] : [`mIoU ${percent(this.#mIoU)}`]),
      `${short(this.#picturesPerSecond)} pictures/s`,
      `${duration(this.#secondsLeft(event))} left`,
      memory(this.#residentBytes()),
    ].join(" · ");
    this.#show(label, event.stepInEpoch, event.stepsInEpoch, facts);
  }

  validationProgressed({ epoch, done, pictures }: TrainEvents["validationProgressed"]): void {
    this.#show(this.#epochText(epoch), done, pictures, `validating · ${memory(this.#residentBytes())}`);
  }

  validationFinished({ mIoU }: TrainEvents["validationFinished"]): void {
    this.#mIoU = mIoU;
  }

  epochFinished(event: TrainEvents["epochFinished"]): void {
    const { validation } = event;
    const scores =
      validation === null
        ? []
        : [`mIoU ${percent(validation.mIoU)}`, `pixel accuracy ${percent(validation.pixelAccuracy)}`];
    const facts = [`loss ${event.loss.toFixed(4)}`, ...scores, `${short(event.picturesPerSecond)} pictures/s`];
    const took = duration(event.seconds + (validation?.seconds ?? 0));
    this.#line(`${this.#epochText(event.epoch)}  ${facts.join(" · ")} · ${took}`);
  }

  warning({ message }: TrainEvents["warning"]): void {
    this.#line(`warning: ${message}`);
  }

  runFinished({ reason, best, seconds }: TrainEvents["runFinished"]): void {
    const top = best === null ? "" : `, best mIoU ${percent(best.mIoU)} in epoch ${best.epoch}`;
    this.#line(`${reason} after ${duration(seconds)}${top}`);
  }

  close(): void {
    this.#clear();
  }

  /** From the run's own pace, validations and checkpoints included, once it has done an epoch's batches; before that from the batches alone. */
  #secondsLeft({ epoch, stepInEpoch, stepsInEpoch, seconds }: TrainEvents["stepFinished"]): number {
    const elapsed = (this.#now() - this.#startedAt) / 1000;
    const minutes = this.#run?.minutes ?? null;
    if (minutes !== null) return Math.max(0, 60 * (minutes.budget - minutes.spent) - elapsed);
    const done = (epoch - 1) * stepsInEpoch + stepInEpoch;
    this.#doneBefore ??= done - 1;
    const since = done - this.#doneBefore;
    const pace = since >= stepsInEpoch ? elapsed / since : (this.#secondsPerStep ?? seconds);
    return Math.max(0, (this.#run?.epochs ?? epoch) * stepsInEpoch - done) * pace;
  }

  /** `epoch 3/10`; where time decides how many there are, `epoch 3`. */
  #epochText(epoch: number): string {
    const epochs = this.#run?.epochs ?? null;
    return epochs === null ? `epoch ${epoch}` : `epoch ${epoch}/${epochs}`;
  }

  #show(label: string, done: number, total: number, facts: string): void {
    if (this.#stream.isTTY !== true) {
      if (this.#now() - this.#lastLineAt < this.#everyMs) return;
      this.#lastLineAt = this.#now();
      this.#stream.write(`${label}  ${done}/${total} · ${facts}\n`);
      return;
    }
    if (this.#bar === undefined) {
      this.#bar = new cliProgress.SingleBar({
        stream: this.#stream as NodeJS.WriteStream,
        format: "{label} {bar} {value}/{total} · {facts}",
        barCompleteChar: "━",
        barIncompleteChar: "─",
        barsize: ((this.#stream as NodeJS.WriteStream).columns ?? 100) < 100 ? 10 : 20,
        clearOnComplete: true,
        stopOnComplete: false,
        // The terminal is left as it is (cursor, line wrapping) and signals to the command, so that Ctrl-C may end the process at any moment.
        hideCursor: false,
        linewrap: true,
        gracefulExit: false,
        emptyOnZero: true,
      });
      this.#bar.start(total, done, { label, facts });
    }
    this.#bar.setTotal(total);
    this.#bar.update(done, { label, facts });
  }

  #line(text: string): void {
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  #clear(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }
}

function percent(share: number | null): string {
  return share === null ? "–" : `${(100 * share).toFixed(1)} %`;
}

function short(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}

function millions(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} M` : count >= 1000 ? `${(count / 1000).toFixed(1)} k` : `${count}`;
}

function memory(bytes: number): string {
  return bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(0)} MB`;
}

/** ` of 367 (drawn by seed 0)` */
function drawnText(subset: TrainEvents["runStarted"]["trainSubset"]): string {
  return subset === null ? "" : ` of ${subset.of} (drawn by seed ${subset.seed})`;
}
