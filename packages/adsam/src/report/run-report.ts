import type { Rgb } from "../data/labels.js";

/** Everything a report shows: plain data, so that a run can keep it as JSON and draw it again later. Scores are 0…1; null where nothing was scored. */
export interface RunReport {
  readonly title: string;
  /** One or two sentences under the title: what was done, in plain words. */
  readonly summary?: string;
  /** When the run ended. */
  readonly when: Date;
  /** `2 × AMD EPYC 9R14, 8 GB · libtorch 1.13.1 · CPU`. */
  readonly machine: string;
  /** The command line, as typed. */
  readonly command: string;
  /** The complete recipe in YAML. */
  readonly recipe?: string;
  /** One point an epoch, oldest first. */
  readonly curves?: readonly CurvePoint[];
  readonly evaluations: readonly EvaluationReport[];
  readonly retention?: RetentionReport;
  readonly pictures?: readonly PictureReport[];
  readonly model?: ModelReport;
  readonly timing?: TimingReport;
  /** What to try next: sentences; a part between backticks is a command. */
  readonly next?: readonly string[];
}

export interface CurvePoint {
  readonly epoch: number;
  readonly trainLoss: number;
  /** Each term before its weight. */
  readonly lossParts: Readonly<Record<string, number>>;
  /** Null in an epoch without validation. */
  readonly valMIoU: number | null;
  /** Parameter group → learning rate. */
  readonly learningRates: Readonly<Record<string, number>>;
}

export interface EvaluationReport {
  /** `Cityscapes`. */
  readonly dataset: string;
  readonly split: string;
  readonly pictures: number;
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  /** In train-id order. */
  readonly perClass: readonly ClassScore[];
  /** Row-major [label, prediction] → pixels, as many rows as classes. */
  readonly confusion?: readonly number[];
  /** The rule of the score, and the resolution it was taken at. */
  readonly rule?: string;
}

export interface ClassScore {
  readonly name: string;
  readonly colour: Rgb;
  /** Null for a class neither labelled nor predicted. */
  readonly iou: number | null;
  /** Share of the scored pixels that carry this label. */
  readonly share: number;
}

export interface RetentionReport {
  readonly value: number | null;
  /** `structured → diverse`. */
  readonly from: string;
  readonly to: string;
}

/** Pictures are PNG or JPEG bytes, or data URIs. */
export type ReportImage = Uint8Array | string;

export interface PictureReport {
  readonly id: string;
  readonly image: ReportImage;
  readonly label?: ReportImage;
  readonly prediction: ReportImage;
  /** Wrong pixels marked. */
  readonly errorMap?: ReportImage;
  readonly caption?: string;
  readonly mIoU?: number | null;
}

export interface ModelReport {
  readonly name: string;
  readonly parameters: { readonly trained: number; readonly frozen: number };
  /** Of one forward pass at `input`. */
  readonly multiplyAdds?: number;
  readonly input: { readonly height: number; readonly width: number };
}

export interface TimingReport {
  readonly totalSeconds: number;
  readonly trainSeconds?: number;
  readonly picturesPerSecond?: number;
  readonly peakResidentBytes?: number;
}
