import type { Dataset } from "../data/dataset.js";
import { type ConfusionMatrix, meanIoURule } from "../metrics/confusion.js";

/** What an evaluation says, as plain data: what `adsam eval --json` prints. IoUs lie in [0, 1]; null: no pixel to score. */
export interface Scores {
  readonly dataset: string;
  readonly split: string;
  /** Pictures scored: all of the split, or fewer where the evaluation was stopped. */
  readonly pictures: number;
  readonly resolution: "label" | "network";
  readonly rule: string;
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  readonly meanAccuracy: number | null;
  readonly frequencyWeightedIoU: number | null;
  readonly pixels: number;
  readonly ignoredPixels: number;
  readonly perClass: readonly {
    readonly name: string;
    readonly iou: number | null;
    readonly accuracy: number | null;
    readonly pixels: number;
  }[];
}

/** @param pictures how many were scored, where not all of the data set were */
export function scoresOf(
  matrix: ConfusionMatrix,
  { name, split, samples, classes }: Dataset,
  resolution: "label" | "network",
  pictures = samples.length,
): Scores {
  const iou = matrix.perClassIoU();
  const accuracy = matrix.perClassAccuracy();
  const labelled = matrix.labelled();
  return {
    dataset: name,
    split,
    pictures,
    resolution,
    rule: meanIoURule,
    mIoU: matrix.meanIoU(),
    pixelAccuracy: matrix.pixelAccuracy(),
    meanAccuracy: matrix.meanAccuracy(),
    frequencyWeightedIoU: matrix.frequencyWeightedIoU(),
    pixels: matrix.pixels,
    ignoredPixels: matrix.ignored,
    perClass: classes.names.map((name, k) => ({ name, iou: iou[k]!, accuracy: accuracy[k]!, pixels: labelled[k]! })),
  };
}
