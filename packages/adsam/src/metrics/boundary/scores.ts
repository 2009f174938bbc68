/** How well outlines are met, for each class over a whole split, at the size of the labels. */
import { Problem } from "@adsam/torch/problem";
import { type LabelMap, type Size, sameSize, sizeText } from "../../data/picture.js";
import { bandsOf } from "./bands.js";
import { contoursOf } from "./contour.js";
import { countContours, countMatched } from "./match.js";

/** Shares of the picture's diagonal: Csurka et al. (BMVC 2013); Cheng et al. (CVPR 2021). */
const toleranceShare = 0.0075;
const bandShare = 0.02;

/** The rule behind {@link BoundaryScores.f1}, to be printed beside the score. */
export function boundaryF1Rule(tolerance: number | null): string {
  const within = tolerance === null ? `${100 * toleranceShare} % of the picture's diagonal` : `${tolerance} pixels`;
  return (
    `boundary F1 of a class = harmonic mean of precision (contour pixels predicted within ${within} of one labelled) and recall (the ` +
    "reverse), of each picture with a contour of it in labels or prediction, averaged over these pictures (Csurka et al. 2013)"
  );
}
/** The rule behind {@link BoundaryScores.iou}. */
export const boundaryIoURule =
  `boundary IoU of a class = IoU of its pixels within ${100 * bandShare} % of the diagonal of another class or the picture's edge, counted ` +
  "over all pixels of the split (Cheng et al. 2021)";

export interface BoundaryOptions {
  readonly numClasses: number;
  readonly ignoreIndex?: number;
  /** Of the F1, in pixels; `null`: 0.75 % of each picture's diagonal. */
  readonly tolerance?: number | null;
}

/** Plain data; a list has an entry a class. */
export interface BoundaryJson {
  readonly numClasses: number;
  readonly ignoreIndex: number;
  readonly tolerance: number | null;
  /** Pictures in which the class has a contour, in the label or predicted, and the sum of their F1. */
  readonly pictures: readonly number[];
  readonly f1Sums: readonly number[];
  /** Pixels on both bands, and on either. */
  readonly shared: readonly number[];
  readonly either: readonly number[];
}

export class BoundaryScores {
  readonly numClasses: number;
  readonly ignoreIndex: number;
  readonly tolerance: number | null;
  readonly #pictures: Float64Array;
  readonly #f1Sums: Float64Array;
  readonly #shared: Float64Array;
  readonly #either: Float64Array;

  /** @throws Problem for a tolerance below 0, or a number of classes or an ignored id that a byte cannot tell apart */
  constructor({ numClasses, ignoreIndex = 255, tolerance = null }: BoundaryOptions) {
    const refuse = (found: string, expected: string) => new Problem({ what: "boundary scores", found, expected });
    if (!(Number.isInteger(numClasses) && numClasses >= 1 && numClasses <= 254))
      throw refuse(`${numClasses} classes`, "1 to 254");
    if (!(Number.isInteger(ignoreIndex) && ignoreIndex >= numClasses && ignoreIndex <= 255))
      throw refuse(`ignore index ${ignoreIndex}`, `${numClasses} to 255`);
    if (tolerance !== null && !(tolerance >= 0 && Number.isFinite(tolerance)))
      throw refuse(`a tolerance of ${tolerance} pixels`, "0 or more");
    this.numClasses = numClasses;
    this.ignoreIndex = ignoreIndex;
    this.tolerance = tolerance;
    const zeros = () => new Float64Array(numClasses);
    [this.#pictures, this.#f1Sums, this.#shared, this.#either] = [zeros(), zeros(), zeros(), zeros()];
  }

  /**
   * Adds a picture. Where the label is ignored, the prediction is as well.
   * @throws Problem for maps of two sizes, and for ids that are no class
   */
  update(prediction: LabelMap, label: LabelMap): void {
    const { numClasses, ignoreIndex } = this;
    const { size } = label;
    if (!sameSize(prediction.size, size)) {
      const [found, expected] = [sizeText(prediction.size), `${sizeText(size)}, the label's`];
      throw new Problem({ what: "boundary scores, prediction", found, expected });
    }
    const guess = new Uint8Array(label.data.length);
    for (let at = 0; at < guess.length; at++) {
      const truth = label.data[at]!;
      const id = truth === ignoreIndex ? ignoreIndex : prediction.data[at]!;
      if ((truth >= numClasses && truth !== ignoreIndex) || (id >= numClasses && truth !== ignoreIndex)) {
        const found = `label ${truth} predicted as ${id}`;
        throw new Problem({ what: "boundary scores", found, expected: `0…${numClasses - 1}` });
      }
      guess[at] = id;
    }
    this.#addF1(guess, label.data, size);
    this.#addBands(guess, label.data, size);
  }

  #addF1(guess: Uint8Array, truth: Uint8Array, size: Size): void {
    const { numClasses, ignoreIndex, tolerance } = this;
    const within = tolerance ?? toleranceShare * diagonal(size);
    const [drawn, labelled] = [contoursOf(guess, size, ignoreIndex), contoursOf(truth, size, ignoreIndex)];
    const [numDrawn, numLabelled] = [countContours(drawn, numClasses), countContours(labelled, numClasses)];
    const right = countMatched(drawn, labelled, within, numClasses);
    const found = countMatched(labelled, drawn, within, numClasses);
    for (let k = 0; k < numClasses; k++) {
      if (numDrawn[k] === 0 && numLabelled[k] === 0) continue;
      this.#pictures[k]!++;
      if (right[k] === 0) continue; // and so none was found either: F1 is 0
      const [precision, recall] = [right[k]! / numDrawn[k]!, found[k]! / numLabelled[k]!];
      this.#f1Sums[k]! += (2 * precision * recall) / (precision + recall);
    }
  }

  #addBands(guess: Uint8Array, truth: Uint8Array, size: Size): void {
    const { ignoreIndex } = this;
    const reach = Math.max(1, Math.round(bandShare * diagonal(size)));
    const [drawn, labelled] = [bandsOf(guess, size, ignoreIndex, reach), bandsOf(truth, size, ignoreIndex, reach)];
    for (let at = 0; at < truth.length; at++) {
      const [isDrawn, isLabelled] = [drawn[at] === 1, labelled[at] === 1];
      if (isDrawn && isLabelled && guess[at] === truth[at]) {
        this.#shared[truth[at]!]!++;
        this.#either[truth[at]!]!++;
      } else {
        if (isDrawn) this.#either[guess[at]!]!++;
        if (isLabelled) this.#either[truth[at]!]!++;
      }
    }
  }

  /** Adds another part's pictures. */
  merge(other: BoundaryScores): void {
    const terms = ({ numClasses, ignoreIndex, tolerance }: BoundaryScores) =>
      `${numClasses} classes, ignore index ${ignoreIndex}, tolerance ${tolerance ?? "by the diagonal"}`;
    if (terms(this) !== terms(other))
      throw new Problem({ what: "boundary scores to merge", found: terms(other), expected: terms(this) });
    for (let k = 0; k < this.numClasses; k++) {
      this.#pictures[k]! += other.#pictures[k]!;
      this.#f1Sums[k]! += other.#f1Sums[k]!;
      this.#shared[k]! += other.#shared[k]!;
      this.#either[k]! += other.#either[k]!;
    }
  }

  /** Boundary F1 of each class, 0…1; `null` for a class without a contour anywhere. */
  f1(): (number | null)[] {
    return quotients(this.#f1Sums, this.#pictures);
  }

  /** Boundary IoU of each class, 0…1; `null` for a class that is neither labelled nor predicted near a boundary. */
  iou(): (number | null)[] {
    return quotients(this.#shared, this.#either);
  }

  toJSON(): BoundaryJson {
    const { numClasses, ignoreIndex, tolerance } = this;
    const [pictures, f1Sums] = [Array.from(this.#pictures), Array.from(this.#f1Sums)];
    const [shared, either] = [Array.from(this.#shared), Array.from(this.#either)];
    return { numClasses, ignoreIndex, tolerance, pictures, f1Sums, shared, either };
  }
}

const diagonal = ({ height, width }: Size): number => Math.hypot(height, width);

const quotients = (parts: Float64Array, wholes: Float64Array): (number | null)[] =>
  Array.from(parts, (part, k) => (wholes[k] === 0 ? null : part / wholes[k]!));
