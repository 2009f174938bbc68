import { setImmediate as nextTurn } from "node:timers/promises";
import { noGrad } from "@adsam/torch";
import { type LabelMap, type Picture, type Size, sameSize } from "../../../data/picture.js";
import { cropPicture } from "../../../data/transforms/geometry.js";
import { SamPredictor } from "../predictor.js";
import type { Sam } from "../sam.js";
import { type BoxXywh, toXywh } from "./boxes.js";
import { type Candidate, findCandidates, inBatches, type Point } from "./candidates.js";
import { type Crop, cropBoxes } from "./crop-boxes.js";
import { nonMaximumSuppression } from "./non-maximum-suppression.js";
import {
  type AutomaticMaskOptions,
  type AutomaticMaskSettings,
  automaticMaskSettings,
  type OutputMode,
} from "./options.js";
import { drawRuns, type Rle, rleArea, rleOfRuns } from "./rle.js";
import { type CompressedRle, compressRle } from "./rle-string.js";
import { edgesOf } from "./runs.js";
import { removeSmallRegions } from "./small-regions.js";

/** A mask in the form that was asked for. */
export interface Segmentation {
  /** [H, W], 1 where the mask is */
  binary_mask: LabelMap;
  uncompressed_rle: Rle;
  coco_rle: CompressedRle;
}

/** One thing found in a picture. Coordinates in the picture's pixels. */
export interface AutomaticMask<Mode extends OutputMode = OutputMode> {
  readonly segmentation: Segmentation[Mode];
  /** Pixels of the mask. */
  readonly area: number;
  /**
   * Around the mask. As in the reference, width and height are those from the first to the last column and row: one less than the pixels
   * there. `rleBox` counts pixels.
   */
  readonly bbox: BoxXywh;
  /** How well the network thinks the mask fits (intersection over union). */
  readonly predictedIou: number;
  /** The point that led to the mask. */
  readonly pointCoords: readonly [Point];
  /** 0…1: how little the mask depends on the threshold of its logits. */
  readonly stabilityScore: number;
  /** The part of the picture in which it was found. */
  readonly cropBox: BoxXywh;
}

/**
 * Masks of everything in a picture (Kirillov et al. 2023, §4 and §D): SAM is asked about each point of a grid, and of its answers those stay that
 * it thinks good, that do not hang on the threshold, and that do not repeat a better one. Settings, defaults and order of the results are the
 * reference's.
 *
 *     const generator = new SamAutomaticMaskGenerator(sam, { outputMode: "coco_rle" });
 *     const masks = generator.generate(await readPicture("street.jpg"));
 */
export class SamAutomaticMaskGenerator<Mode extends OutputMode = "binary_mask"> {
  readonly settings: AutomaticMaskSettings;
  readonly #sam: Sam;

  /**
   * @param sam in evaluation mode; it stays the caller's
   * @throws Problem for a setting that cannot be, naming it
   */
  constructor(sam: Sam, options: AutomaticMaskOptions<Mode> = {}) {
    this.#sam = sam;
    this.settings = automaticMaskSettings(options);
  }

  /**
   * The same picture gives the same masks. What is found in smaller crops comes first, then what the network thinks better; with
   * `minMaskRegionArea`, masks that needed no mending come before those that did.
   * @throws Problem for a picture too small for so many crops
   */
  generate(picture: Picture): AutomaticMask<Mode>[] {
    return noGrad(() => {
      const steps = this.#steps(picture);
      for (;;) {
        const step = steps.next();
        if (step.done) return step.value;
      }
    });
  }

  /**
   * The same, with a turn of the event loop between batches of points, so that it can be watched and stopped.
   * @param options.onProgress points done, of all
   * @throws the signal's reason where it was stopped
   */
  async generateAsync(
    picture: Picture,
    {
      signal,
      onProgress,
    }: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
  ): Promise<AutomaticMask<Mode>[]> {
    return await noGrad(async () => {
      const steps = this.#steps(picture);
      try {
        for (;;) {
          const step = steps.next();
          if (step.done) return step.value;
          onProgress?.(step.value.done, step.value.total);
          await nextTurn();
          signal?.throwIfAborted();
        }
      } finally {
        steps.return([]); // lets go of the picture
      }
    });
  }

  /** All of the work, a batch of points at a time. */
  *#steps(picture: Picture): Generator<Progress, AutomaticMask<Mode>[], void> {
    const { minMaskRegionArea } = this.settings;
    const found = yield* this.#find(picture);
    const mended = minMaskRegionArea > 0 ? this.#withoutSmallRegions(found, picture.size) : found;
    return mended.map((mask) => this.#result(mask, picture.size));
  }

  *#find(picture: Picture): Generator<Progress, Candidate[], void> {
    const { cropNLayers, cropNmsThresh, cropOverlapRatio, pointGrids } = this.settings;
    const crops = cropBoxes(picture.size, cropNLayers, cropOverlapRatio);
    const total = crops.reduce((sum, { layer }) => sum + pointGrids[layer]!.length, 0);
    using predictor = new SamPredictor(this.#sam);
    const found: Candidate[] = [];
    let before = 0;
    for (const crop of crops) {
      const steps = this.#findInCrop(predictor, picture, crop);
      let step = steps.next();
      for (; !step.done; step = steps.next()) yield { done: before + step.value, total };
      found.push(...step.value);
      before += pointGrids[crop.layer]!.length;
    }
    if (crops.length === 1) return found;
    const scores = found.map(({ crop: [x0, y0, x1, y1] }) => Math.fround(1 / ((x1 - x0) * (y1 - y0))));
    return distinct(found, scores, cropNmsThresh);
  }

  /** Yields the points done after each batch. */
  *#findInCrop(predictor: SamPredictor, picture: Picture, { box, layer }: Crop): Generator<number, Candidate[], void> {
    const { pointGrids, pointsPerBatch, boxNmsThresh } = this.settings;
    const [left, top, right, bottom] = box;
    const size = { height: bottom - top, width: right - left };
    predictor.setImage(sameSize(size, picture.size) ? picture : cropPicture(picture, { left, top }, size));
    const points = pointGrids[layer]!.map(([x, y]): Point => [x * size.width, y * size.height]);
    const place = { crop: box, picture: picture.size, settings: this.settings };
    const found: Candidate[] = [];
    let done = 0;
    for (const batch of inBatches(points, pointsPerBatch)) {
      found.push(...findCandidates(predictor, batch, place));
      done += batch.length;
      yield done;
    }
    return distinct(
      found,
      found.map(({ predictedIou }) => predictedIou),
      boxNmsThresh,
    );
  }

  /** Holes filled and islands dropped; of masks that have become alike, one that was left as it is stays. */
  #withoutSmallRegions(found: readonly Candidate[], size: Size): Candidate[] {
    const { minMaskRegionArea, boxNmsThresh, cropNmsThresh } = this.settings;
    const mended = found.map((mask) => {
      const filled = removeSmallRegions(mask.runs, size, minMaskRegionArea, "holes");
      const runs = removeSmallRegions(filled, size, minMaskRegionArea, "islands");
      return runs === mask.runs ? mask : { ...mask, runs, box: edgesOf(runs, size) };
    });
    const scores = mended.map((mask, i) => Number(mask === found[i]));
    return distinct(mended, scores, Math.max(boxNmsThresh, cropNmsThresh));
  }

  #result({ runs, box, predictedIou, stabilityScore, point, crop }: Candidate, size: Size): AutomaticMask<Mode> {
    const rle = rleOfRuns(runs, size);
    const forms: { readonly [Form in OutputMode]: () => Segmentation[Form] } = {
      binary_mask: () => drawRuns(runs, size),
      uncompressed_rle: () => rle,
      coco_rle: () => compressRle(rle),
    };
    return {
      segmentation: forms[this.settings.outputMode as Mode](),
      area: rleArea(rle),
      bbox: toXywh(box),
      predictedIou,
      pointCoords: [point],
      stabilityScore,
      cropBox: toXywh(crop),
    };
  }
}

/** Points asked about. */
interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Those that non-maximum suppression leaves, by descending score. */
function distinct(found: readonly Candidate[], scores: readonly number[], iouThreshold: number): Candidate[] {
  const boxes = found.map(({ box }) => box);
  return nonMaximumSuppression(boxes, scores, iouThreshold).map((place) => found[place]!);
}
