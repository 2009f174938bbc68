import path from "node:path";
import { compressRle } from "../models/sam/automatic/rle-string.js";
import type { FoundMask } from "./found-mask.js";

/** A mask as it stands in `NAME_masks.json`: COCO's keys, with those of SAM's own records beside them. */
export interface MaskAnnotation {
  /** From 1, in the order of the file; the number of the mask's PNG and its value in the picture of all masks. */
  readonly id: number;
  /** Place of the picture in the run, from 1. */
  readonly image_id: number;
  readonly file: string;
  /** Compressed as COCO does it; `pycocotools.mask.decode` reads it. */
  readonly segmentation: { readonly size: readonly [height: number, width: number]; readonly counts: string };
  readonly bbox: readonly number[];
  readonly area: number;
  readonly predicted_iou: number;
  readonly stability_score: number;
  readonly point_coords: readonly (readonly [number, number])[];
  readonly point_labels: readonly number[];
  /** Left, top, right, bottom, of the prompt; not there where none was given. */
  readonly box?: readonly number[];
  /** Number of the prompt, from 1; not there for "everything". */
  readonly prompt?: number;
  readonly crop_box?: readonly number[];
}

/** @param imageId place of the picture in the run, from 1 */
export function annotations(masks: readonly FoundMask[], file: string, imageId: number): MaskAnnotation[] {
  return masks.map((mask, i) => ({
    id: i + 1,
    image_id: imageId,
    file: path.basename(file),
    segmentation: compressRle(mask.rle),
    bbox: mask.bbox,
    area: mask.area,
    predicted_iou: rounded(mask.predictedIou),
    stability_score: rounded(mask.stabilityScore),
    point_coords: mask.prompt.pointCoords ?? [],
    point_labels: mask.prompt.pointLabels ?? [],
    ...(mask.prompt.box && { box: mask.prompt.box }),
    ...(mask.promptIndex !== undefined && { prompt: mask.promptIndex + 1 }),
    ...(mask.cropBox && { crop_box: mask.cropBox }),
  }));
}

/** JSON with a mask a line, to be looked at and compared. */
export function annotationText(list: readonly MaskAnnotation[]): string {
  if (list.length === 0) return "[]\n";
  return `[\n${list.map((one) => JSON.stringify(one)).join(",\n")}\n]\n`;
}

/** Scores are float32: seven digits tell them apart. */
export const rounded = (score: number): number => Number(score.toPrecision(7));
