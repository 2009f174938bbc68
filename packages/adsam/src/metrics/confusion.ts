/**
 * The confusion matrix of a whole split, and the scores that come from it. Scores of parts are never averaged: parts are merged
 * as counts, so the value is the same at any batch size.
 */
import { Problem } from "@adsam/torch/problem";
import { countPairs } from "./count-pairs.js";

/** The rule behind {@link ConfusionMatrix.meanIoU}, to be printed beside the score. */
export const meanIoURule =
  "IoU of a class = true positives / (true positives + false positives + false negatives), counted over all pixels of the split in one " +
  "confusion matrix; mIoU = mean over the classes that occur in the labels or in the predictions; ignored pixels count nowhere";

/** Plain data; `counts` is row-major, [label, prediction]. */
export interface ConfusionJson {
  readonly numClasses: number;
  readonly ignoreIndex: number;
  readonly ignored: number;
  readonly counts: readonly number[];
}

export class ConfusionMatrix {
  readonly numClasses: number;
  readonly ignoreIndex: number;
  /**
   * [label, prediction] → pixels. Float64 holds every integer up to 2⁵³ ≈ 9·10¹⁵ exactly: four thousand million pictures of
   * Cityscapes' size. BigInt64 would hold more, cost ten times as much to add up, and have no JSON.
   */
  readonly counts: Float64Array;
  #counted = 0;
  #ignored = 0;

  constructor(numClasses: number, ignoreIndex = 255) {
    if (!Number.isInteger(numClasses) || numClasses < 1)
      throw new Problem({ what: "confusion matrix", found: `${numClasses} classes`, expected: "an integer above 0" });
    if (ignoreIndex >= 0 && ignoreIndex < numClasses) {
      const found = `ignore index ${ignoreIndex}, which is a class`;
      throw new Problem({ what: "confusion matrix", found, expected: `a number outside 0…${numClasses - 1}` });
    }
    this.numClasses = numClasses;
    this.ignoreIndex = ignoreIndex;
    this.counts = new Float64Array(numClasses * numClasses);
  }

  /** Pixels counted: all that are not ignored. */
  get pixels(): number {
    return this.#counted;
  }

  /** Pixels whose label is the ignore index. */
  get ignored(): number {
    return this.#ignored;
  }

  /**
   * Counts pixels; either all of them or, where one is refused, none.
   * @param prediction, label as many values as each other, any shape; train ids.
   * @throws Problem for a prediction outside 0…numClasses−1, even under an ignored label, and for a label outside of it that is not
   * the ignore index; with a histogram of the strangers.
   */
  update(prediction: ArrayLike<number>, label: ArrayLike<number>): void {
    const { numClasses, ignoreIndex } = this;
    if (prediction.length !== label.length) {
      const what = "confusion matrix";
      throw new Problem({ what, found: `${prediction.length} predictions`, expected: `${label.length}, one a label` });
    }
    const fresh = countPairs(prediction, label, numClasses, ignoreIndex);
    // Rows: the classes, the ignored, the strangers; columns: the classes, the strangers.
    const columns = numClasses + 1;
    const sum = (cells: readonly number[]) => cells.reduce((total, cell) => total + fresh[cell]!, 0);
    const row = (k: number) => Array.from({ length: columns }, (_, column) => k * columns + column);
    if (sum(Array.from({ length: numClasses + 2 }, (_, k) => k * columns + numClasses)) > 0)
      throw this.#strangers("predictions", prediction, Number.NaN);
    if (sum(row(numClasses + 1)) > 0) throw this.#strangers("labels", label, ignoreIndex);
    for (let truth = 0; truth < numClasses; truth++)
      for (let guess = 0; guess < numClasses; guess++)
        this.counts[truth * numClasses + guess]! += fresh[truth * columns + guess]!;
    const ignored = sum(row(numClasses));
    this.#ignored += ignored;
    this.#counted += label.length - ignored;
    this.check();
  }

  /** Adds another split's or thread's counts. */
  merge(other: ConfusionMatrix): void {
    if (other.numClasses !== this.numClasses || other.ignoreIndex !== this.ignoreIndex)
      throw new Problem({
        what: "confusion matrices to merge",
        found: `${other.numClasses} classes, ignore index ${other.ignoreIndex}`,
        expected: `${this.numClasses} classes, ignore index ${this.ignoreIndex}`,
      });
    for (let cell = 0; cell < this.counts.length; cell++) this.counts[cell]! += other.counts[cell]!;
    this.#ignored += other.#ignored;
    this.#counted += other.#counted;
    this.check();
  }

  /** @throws Error (a defect, not a user's mistake) where the matrix does not sum to the pixels counted, or counts are beyond exactness. */
  check(): void {
    let sum = 0;
    for (const count of this.counts) sum += count;
    if (sum !== this.#counted)
      throw new Error(`the confusion matrix sums to ${sum}, but ${this.#counted} pixels were counted`);
    if (sum > Number.MAX_SAFE_INTEGER) throw new Error(`${sum} pixels are more than float64 counts exactly`);
  }

  /** Of each class: pixels labelled so, predicted so, and both. */
  #class(k: number): { labelled: number; predicted: number; both: number } {
    let [labelled, predicted] = [0, 0];
    for (let other = 0; other < this.numClasses; other++) {
      labelled += this.counts[k * this.numClasses + other]!;
      predicted += this.counts[other * this.numClasses + k]!;
    }
    return { labelled, predicted, both: this.counts[k * this.numClasses + k]! };
  }

  #classes(): { labelled: number; predicted: number; both: number }[] {
    return Array.from({ length: this.numClasses }, (_, k) => this.#class(k));
  }

  /** Pixels labelled as each class. */
  labelled(): number[] {
    return this.#classes().map(({ labelled }) => labelled);
  }

  /** Pixels predicted as each class. */
  predicted(): number[] {
    return this.#classes().map(({ predicted }) => predicted);
  }

  /** Pixels both labelled and predicted as each class. */
  right(): number[] {
    return this.#classes().map(({ both }) => both);
  }

  /** IoU of each class, 0…1; `null` for a class that is neither labelled nor predicted anywhere. */
  perClassIoU(): (number | null)[] {
    return this.#classes().map(({ labelled, predicted, both }) => ratio(both, labelled + predicted - both));
  }

  /** Recall of each class, 0…1; `null` for a class that is not labelled anywhere. */
  perClassAccuracy(): (number | null)[] {
    return this.#classes().map(({ labelled, both }) => ratio(both, labelled));
  }

  /**
   * See {@link meanIoURule}; `null` where no pixel has been counted.
   * @param classes those to average over, where not all
   */
  meanIoU(classes?: readonly number[]): number | null {
    const iou = this.perClassIoU();
    return mean(classes ? classes.map((k) => iou[k]!) : iou);
  }

  /** Right pixels / counted pixels. */
  pixelAccuracy(): number | null {
    let right = 0;
    for (let k = 0; k < this.numClasses; k++) right += this.counts[k * this.numClasses + k]!;
    return ratio(right, this.#counted);
  }

  /** Mean recall over the labelled classes, of `classes` where not all. */
  meanAccuracy(classes?: readonly number[]): number | null {
    const accuracy = this.perClassAccuracy();
    return mean(classes ? classes.map((k) => accuracy[k]!) : accuracy);
  }

  /** Each class's IoU weighted by its share of the labelled pixels; of `classes` where not all, and of their pixels. */
  frequencyWeightedIoU(classes: readonly number[] = [...Array(this.numClasses).keys()]): number | null {
    const [iou, labelled] = [this.perClassIoU(), this.labelled()];
    const all = classes.reduce((sum, k) => sum + labelled[k]!, 0);
    return all === 0 ? null : classes.reduce((sum, k) => sum + (labelled[k]! / all) * (iou[k] ?? 0), 0);
  }

  toJSON(): ConfusionJson {
    const { numClasses, ignoreIndex, ignored } = this;
    return { numClasses, ignoreIndex, ignored, counts: Array.from(this.counts) };
  }

  /** @throws Problem for counts that are no counts. */
  static fromJSON({ numClasses, ignoreIndex, ignored, counts }: ConfusionJson): ConfusionMatrix {
    const matrix = new ConfusionMatrix(numClasses, ignoreIndex);
    if (
      counts.length !== matrix.counts.length ||
      ![ignored, ...counts].every((n) => Number.isSafeInteger(n) && n >= 0)
    ) {
      const expected = `${matrix.counts.length} whole numbers of 0 or more`;
      throw new Problem({ what: "confusion matrix as JSON", found: `${counts.length} counts`, expected });
    }
    matrix.counts.set(counts);
    matrix.#counted = counts.reduce((sum, count) => sum + count, 0);
    matrix.#ignored = ignored;
    matrix.check();
    return matrix;
  }

  #strangers(what: string, values: ArrayLike<number>, allowed: number): Problem {
    const counts = new Map<number, number>();
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!(value >= 0 && value < this.numClasses) && value !== allowed)
        counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const found = [...counts].slice(0, 10).map(([value, count]) => `${value}×${count}`);
    const expected = `0…${this.numClasses - 1}${Number.isNaN(allowed) ? "" : ` or ${allowed} (ignored)`}`;
    return new Problem({ what: `confusion matrix, ${what}`, found: `${found.join(", ")} (value×pixels)`, expected });
  }
}

const ratio = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole);

/** Over what is there; `null` where nothing is. */
export function mean(values: readonly (number | null)[]): number | null {
  const present = values.filter((value) => value !== null);
  return present.length === 0 ? null : present.reduce((sum, value) => sum + value, 0) / present.length;
}
