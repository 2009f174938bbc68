import { hybridLoss } from "@adsam/kernels";
import { Problem, scope, type Tensor } from "@adsam/torch";
import { crossEntropyLoss } from "./cross-entropy.js";
import { diceLoss } from "./dice.js";
import { DistanceMaps, type MapKey } from "./distance-maps.js";
import { focalLoss } from "./focal.js";
import { checkLabels } from "./labels.js";
import { lovaszLoss } from "./lovasz.js";
import { checkClassWeights, checkShapes, inFullPrecision, type Prediction, predict } from "./prediction.js";
import { type SurfaceForm, surfaceLoss } from "./surface.js";

/** The terms of the training loss; `crossEntropy` stands alone in the paper's ablation. */
export const lossTerms = ["focal", "dice", "lovasz", "surface", "crossEntropy"] as const;
export type LossTerm = (typeof lossTerms)[number];

/** Weights and settings, as the `loss` group of a recipe has them. */
export interface HybridOptions extends Partial<Readonly<Record<LossTerm, number>>> {
  readonly focalAlpha?: number;
  readonly focalGamma?: number;
  readonly surfaceForm?: SurfaceForm;
  /** One factor a class, for the focal loss and the cross-entropy. */
  readonly classWeights?: readonly number[] | null;
  readonly ignoreIndex?: number;
  /** Bytes of distance maps kept; see `DistanceMaps`. */
  readonly maxMapBytes?: number;
}

export interface HybridResult {
  /** Scalar [], to call `backward` on. */
  readonly total: Tensor;
  /** The terms that were computed, without their weights and without a graph: scalars []. */
  readonly parts: Readonly<Partial<Record<LossTerm, Tensor>>>;
}

type Keys = readonly (MapKey | undefined)[] | undefined;

/**
 * AD-SAM's hybrid loss: 0.4 Focal + 0.3 Dice + 0.2 Lovász-softmax + 0.1 Surface (arXiv 2510.27047, the authors' weights). The softmax is
 * computed once for all terms; a term of weight 0 is not computed; distance maps are kept from step to step. On the CPU one operator does
 * it all (`hybridLoss` of the kernels); elsewhere, and for the signed surface form, the losses of this folder are added up.
 */
export class HybridLoss {
  readonly weights: Readonly<Record<LossTerm, number>>;
  readonly ignoreIndex: number;
  private readonly options: HybridOptions;
  private maps: DistanceMaps | undefined;

  /** @throws Problem for weights that are negative, not finite or all 0 */
  constructor(options: HybridOptions = {}) {
    const { focal = 0.4, dice = 0.3, lovasz = 0.2, surface = 0.1, crossEntropy = 0, ignoreIndex = 255 } = options;
    this.weights = { focal, dice, lovasz, surface, crossEntropy };
    this.ignoreIndex = ignoreIndex;
    this.options = options;
    const values = Object.values(this.weights);
    if (!values.every((weight) => weight >= 0 && Number.isFinite(weight)) || !values.some((weight) => weight > 0))
      throw new Problem({
        what: "weights of the hybrid loss",
        found: lossTerms.map((term) => `${term} ${this.weights[term]}`).join(", "),
        expected: "numbers from 0, one at least above it",
      });
  }

  private get form(): SurfaceForm {
    return this.options.surfaceForm ?? "distance";
  }

  /** Hits, misses, entries and bytes of the distance maps kept; undefined before the first one. */
  get mapUse() {
    return this.maps?.use;
  }

  /**
   * @param logits [B, C, H, W]; half precision is computed in float32
   * @param labels [B, H, W], uint8 or int64, at the size of the logits
   * @param options.keys names of the label maps, one a picture, by which their distance maps are found again; by content otherwise
   * @throws Problem as `predict`
   */
  call(logits: Tensor, labels: Tensor, { keys }: { readonly keys?: Keys } = {}): HybridResult {
    checkShapes(logits, labels);
    const fused = logits.device === "cpu" && (this.weights.surface === 0 || this.form === "distance");
    return inFullPrecision(logits, () =>
      scope(() => (fused ? this.fused(logits, labels, keys) : this.separate(logits, labels, keys))),
    );
  }

  private fused(logits: Tensor, labels: Tensor, keys: Keys): HybridResult {
    const { focalAlpha, focalGamma, classWeights } = this.options;
    const { focal, dice, lovasz, surface, crossEntropy } = this.weights;
    const numClasses = logits.size(1);
    if (classWeights) checkClassWeights(classWeights, numClasses);
    let total: Tensor, terms: Tensor;
    try {
      [total, terms] = hybridLoss(logits, labels, {
        weights: [focal, dice, lovasz, surface, crossEntropy],
        distances: surface > 0 ? this.mapsFor(numClasses).get(labels, keys) : null,
        classWeights,
        focalAlpha,
        focalGamma,
        ignoreIndex: this.ignoreIndex,
      });
    } catch (error) {
      checkLabels(labels, { numClasses, ignoreIndex: this.ignoreIndex }); // the operator names one strange id, this lists them all
      throw error;
    }
    const computed = lossTerms.flatMap((term, i) => (this.weights[term] === 0 ? [] : [[term, terms.select(0, i)]]));
    return { total, parts: Object.fromEntries(computed) };
  }

  private separate(logits: Tensor, labels: Tensor, keys: Keys): HybridResult {
    const prediction = predict(logits, labels, { ignoreIndex: this.ignoreIndex });
    const parts: Partial<Record<LossTerm, Tensor>> = {};
    let total: Tensor | undefined;
    for (const term of lossTerms) {
      const weight = this.weights[term];
      if (weight === 0) continue;
      const value = scope(() => this.term(term, prediction, keys));
      const weighted = value.mul(weight);
      total = total ? total.add(weighted) : weighted;
      parts[term] = value.detach();
    }
    return { total: total!, parts };
  }

  private term(term: LossTerm, prediction: Prediction, keys: Keys): Tensor {
    const { focalAlpha: alpha, focalGamma: gamma, classWeights } = this.options;
    switch (term) {
      case "focal":
        return focalLoss(prediction, { alpha, gamma, classWeights });
      case "dice":
        return diceLoss(prediction);
      case "lovasz":
        return lovaszLoss(prediction);
      case "surface":
        return surfaceLoss(prediction, {
          form: this.form,
          maps: this.mapsFor(prediction.probabilities.size(1)).get(prediction.labels, keys),
        });
      case "crossEntropy":
        return crossEntropyLoss(prediction, { classWeights });
    }
  }

  private mapsFor(numClasses: number): DistanceMaps {
    const { maxMapBytes: maxBytes, ignoreIndex } = this.options;
    if (this.maps?.numClasses !== numClasses) {
      this.maps?.clear();
      this.maps = new DistanceMaps({ form: this.form, numClasses, ignoreIndex, maxBytes });
    }
    return this.maps;
  }

  /** Frees the distance maps. */
  dispose(): void {
    this.maps?.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
