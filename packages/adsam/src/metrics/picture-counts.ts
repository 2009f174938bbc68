/**
 * What each picture adds to a score: with it, a split can be scored again as if other pictures had been drawn. Plain data, without the
 * engine, so that studies read it from files.
 */
import { Problem } from "@adsam/torch/problem";
import type { ConfusionMatrix } from "./confusion.js";

/** Pixels of a picture, a number a class. */
export interface PictureCounts {
  /** The sample's id. */
  readonly id: string;
  readonly labelled: readonly number[];
  readonly predicted: readonly number[];
  /** Labelled and predicted so. */
  readonly right: readonly number[];
}

/** @param matrix of one picture */
export function pictureCounts(id: string, matrix: ConfusionMatrix): PictureCounts {
  return { id, labelled: matrix.labelled(), predicted: matrix.predicted(), right: matrix.right() };
}

/** Classes with a labelled pixel in any of the pictures. */
export function labelledClasses(pictures: readonly PictureCounts[]): number[] {
  const numClasses = pictures[0]?.labelled.length ?? 0;
  return Array.from({ length: numClasses }, (_, k) => k).filter((k) =>
    pictures.some(({ labelled }) => labelled[k]! > 0),
  );
}

/** Pictures packed for scoring again and again. */
export class CountedPictures {
  readonly size: number;
  readonly #classes: number;
  /** [pictures, classes, right and union]: IoU needs no more. */
  readonly #counts: Float64Array;

  /**
   * @param classes those to score, all of them by default
   * @throws Problem for pictures of different numbers of classes, and for classes they have not
   */
  constructor(pictures: readonly PictureCounts[], classes?: readonly number[]) {
    const numClasses = pictures[0]?.labelled.length ?? 0;
    const wanted = classes ?? Array.from({ length: numClasses }, (_, k) => k);
    const other = pictures.find((picture) => picture.labelled.length !== numClasses);
    if (other) {
      const found = `${other.labelled.length} in "${other.id}"`;
      throw new Problem({ what: "classes of the counted pictures", found, expected: `${numClasses}, as in the first` });
    }
    const stranger = wanted.find((k) => !(k >= 0 && k < numClasses));
    if (stranger !== undefined)
      throw new Problem({ what: "counted pictures", found: `class ${stranger}`, expected: `0…${numClasses - 1}` });
    this.size = pictures.length;
    this.#classes = wanted.length;
    this.#counts = Float64Array.from(
      pictures.flatMap(({ labelled, predicted, right }) =>
        wanted.flatMap((k) => [right[k]!, labelled[k]! + predicted[k]! - right[k]!]),
      ),
    );
  }

  /**
   * IoU of each class over the pictures at these places, some of them perhaps several times: counts added up, then IoU; NaN for a class that
   * occurs in none.
   * @param places all of them once by default
   */
  classIoU(places?: Int32Array): Float64Array {
    const step = 2 * this.#classes;
    const sums = new Float64Array(step);
    for (let i = 0; i < (places?.length ?? this.size); i++) {
      const from = (places ? places[i]! : i) * step;
      for (let k = 0; k < step; k++) sums[k]! += this.#counts[from + k]!;
    }
    return Float64Array.from({ length: this.#classes }, (_, k) => sums[2 * k]! / sums[2 * k + 1]!);
  }

  /** The mean of {@link classIoU} over the classes that occur. */
  meanIoU(places?: Int32Array): number | null {
    return meanOver(this.classIoU(places).filter((iou) => !Number.isNaN(iou)));
  }
}

/** `null` of none. */
export function meanOver(values: Float64Array): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}
