import type { Dataset } from "../data/dataset.js";
import { type BoundaryScores, boundaryF1Rule, boundaryIoURule } from "../metrics/boundary/scores.js";
import { type ConfusionMatrix, mean, meanIoURule } from "../metrics/confusion.js";
import { type ClassMapping, type LeftOut, leftOut, scoredClasses } from "./class-mapping.js";

/** What an evaluation says, as plain data: what `adsam eval --json` prints. IoUs lie in [0, 1]; null: no pixel to score. */
export interface Scores {
  readonly dataset: string;
  readonly split: string;
  /** Pictures scored: all of the split, or fewer where the evaluation was stopped. */
  readonly pictures: number;
  readonly resolution: "label" | "network";
  readonly rule: string;
  /** Where the network and the data have different classes. What is left out counts in no mean over classes. */
  readonly labelMap?: {
    readonly map: string | null;
    readonly appliedTo: "predictions" | "labels";
    readonly leftOut: readonly LeftOut[];
  };
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  readonly meanAccuracy: number | null;
  readonly frequencyWeightedIoU: number | null;
  /** Means over the classes, where outlines were scored. */
  readonly boundary?: {
    readonly f1: number | null;
    readonly iou: number | null;
    /** Of the F1, in pixels; null: by each picture's diagonal. */
    readonly tolerance: number | null;
    readonly rules: readonly string[];
  };
  readonly pixels: number;
  readonly ignoredPixels: number;
  readonly perClass: readonly ClassScores[];
}

export interface ClassScores {
  readonly name: string;
  readonly iou: number | null;
  readonly accuracy: number | null;
  readonly pixels: number;
  /** Where outlines were scored. */
  readonly boundaryF1?: number | null;
  readonly boundaryIoU?: number | null;
}

export interface ScoresDetail {
  /** How many pictures were scored, where not all of the data set were. */
  readonly pictures?: number;
  readonly mapping?: ClassMapping | undefined;
  readonly boundary?: BoundaryScores | undefined;
}

export function scoresOf(
  matrix: ConfusionMatrix,
  dataset: Dataset,
  resolution: "label" | "network",
  { pictures = dataset.samples.length, mapping, boundary }: ScoresDetail = {},
): Scores {
  const { name, split } = dataset;
  const { names } = (mapping ?? dataset).classes;
  const scored = mapping ? scoredClasses(mapping) : [...names.keys()];
  const iou = matrix.perClassIoU();
  const accuracy = matrix.perClassAccuracy();
  const labelled = matrix.labelled();
  const [boundaryF1, boundaryIoU] = [boundary?.f1(), boundary?.iou()];
  const outlines = (k: number) =>
    boundaryF1 && boundaryIoU && { boundaryF1: boundaryF1[k]!, boundaryIoU: boundaryIoU[k]! };
  const meanOf = (values: readonly (number | null)[]) => mean(scored.map((k) => values[k]!));
  return {
    dataset: name,
    split,
    pictures,
    resolution,
    rule: meanIoURule,
    ...(mapping && { labelMap: { map: mapping.title, appliedTo: mapping.appliedTo, leftOut: leftOut(mapping) } }),
    mIoU: matrix.meanIoU(scored),
    pixelAccuracy: matrix.pixelAccuracy(),
    meanAccuracy: matrix.meanAccuracy(scored),
    frequencyWeightedIoU: matrix.frequencyWeightedIoU(scored),
    ...(boundary && {
      boundary: {
        f1: meanOf(boundaryF1!),
        iou: meanOf(boundaryIoU!),
        tolerance: boundary.tolerance,
        rules: [boundaryF1Rule(boundary.tolerance), boundaryIoURule],
      },
    }),
    pixels: matrix.pixels,
    ignoredPixels: matrix.ignored,
    perClass: names.map((name, k) => ({
      name,
      iou: iou[k]!,
      accuracy: accuracy[k]!,
      pixels: labelled[k]!,
      ...outlines(k),
    })),
  };
}
