/** From points to masks: what one batch of prompts on one crop yields. */
import { scope, Tensor } from "@adsam/torch";
import { pixels, type Size } from "../../../data/picture.js";
import type { SamPredictor } from "../predictor.js";
import { type Box, nearCropEdge, shifted } from "./boxes.js";
import { maskRuns, stabilityScore } from "./mask-tensors.js";
import type { AutomaticMaskSettings } from "./options.js";
import { edgesOf, placeRuns, type Runs } from "./runs.js";

/** (x, y) in pixels. */
export type Point = readonly [x: number, y: number];

/** A mask that may become one of the results; all coordinates are the whole picture's. */
export interface Candidate {
  readonly runs: Runs;
  /** First and last column and row, the last ones included. */
  readonly box: Box;
  readonly predictedIou: number;
  readonly stabilityScore: number;
  readonly point: Point;
  readonly crop: Box;
}

/** Logits above it are the mask. */
const maskThreshold = 0;
/** Pixels enlarged at once: 128 MB of logits. */
const pixelsAtOnce = 2 ** 25;

/**
 * Asks for three masks a point and keeps the good ones, in the order of the points. What the predicted IoU rules out is never enlarged.
 * @param predictor with the crop as its picture
 * @param points of the crop, in its own pixels
 * @param crop its place in the picture
 */
export function findCandidates(
  predictor: SamPredictor,
  points: readonly Point[],
  { crop, picture, settings }: { readonly crop: Box; readonly picture: Size; readonly settings: AutomaticMaskSettings },
): Candidate[] {
  return scope(() => {
    const prompts = points.map((point) => ({ pointCoords: [point], pointLabels: [1] as const }));
    const { lowResMasks, iouPredictions } = predictor.decode(prompts, { multimaskOutput: true });
    const [, perPoint] = iouPredictions.dims2("iouPredictions");
    const predictedIous = iouPredictions.flatten().toNumbers();
    // As the reference compares them: in float32, and a threshold of 0 or below is none.
    const least = Math.fround(settings.predIouThresh);
    const promising = [...predictedIous.keys()].filter((i) => least <= 0 || predictedIous[i]! > least);
    const logits = lowResMasks.flatten({ startDim: 0, endDim: 1 }); // [P·M, 4·grid, 4·grid]
    const atOnce = Math.max(
      1,
      Math.floor(pixelsAtOnce / Math.max(pixels(predictor.size), predictor.sam.imageSize ** 2)),
    );
    return inBatches(promising, atOnce).flatMap((places) =>
      scope(() => enlargedMasks(predictor, rows(logits, places), { crop, picture, settings })).map(
        ({ place, ...mask }) => {
          const at = places[place]!;
          const [x, y] = points[Math.floor(at / perPoint)]!;
          return { ...mask, predictedIou: predictedIous[at]!, point: [x + crop[0], y + crop[1]] as const, crop };
        },
      ),
    );
  });
}

/** A mask at the picture's size, and which of the batch it was. */
type EnlargedMask = Pick<Candidate, "runs" | "box" | "stabilityScore"> & { readonly place: number };

/** @param lowRes logits [K, 4·grid, 4·grid] */
function enlargedMasks(
  predictor: SamPredictor,
  lowRes: Tensor,
  { crop, picture, settings }: { readonly crop: Box; readonly picture: Size; readonly settings: AutomaticMaskSettings },
): EnlargedMask[] {
  const { size } = predictor;
  const logits = predictor.upscale(lowRes.unsqueeze(1)).squeeze(1); // [K, H, W]
  const offset = settings.stabilityScoreOffset;
  const scores = stabilityScore(logits, { threshold: maskThreshold, offset }).toNumbers();
  const least = Math.fround(settings.stabilityScoreThresh);
  const stable = [...scores.keys()].filter((i) => least <= 0 || scores[i]! >= least);
  const masks = rows(logits, stable).gt(maskThreshold); // bool [K', H, W]
  const [left, top] = crop;
  const whole: Box = [0, 0, picture.width, picture.height];
  return maskRuns(masks).flatMap((runs, i) => {
    const place = stable[i]!;
    const box = shifted(edgesOf(runs, size), crop);
    if (nearCropEdge(box, crop, whole)) return [];
    const placed = placeRuns(runs, { left, top, height: size.height }, picture);
    return [{ runs: placed, box, stabilityScore: scores[place]!, place }];
  });
}

/** Some of the first dimension; the tensor itself where it is all of it. */
function rows(tensor: Tensor, places: readonly number[]): Tensor {
  if (places.length === tensor.size(0)) return tensor;
  return tensor.indexSelect(0, Tensor.from(Int32Array.from(places), [places.length]).to({ device: tensor.device }));
}

export function inBatches<T>(items: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, i) => items.slice(i * size, (i + 1) * size));
}
