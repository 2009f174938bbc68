import type { BoxXywh } from "../models/sam/automatic/boxes.js";
import type { Rle } from "../models/sam/automatic/rle.js";
import type { SamPrompt } from "../models/sam/prompt.js";

/** A mask of a picture and what is known of it. Coordinates in pixels of the upright picture. */
export interface FoundMask {
  readonly rle: Rle;
  /** x, y, width, height, as SAM counts them: from the first to the last column and row of the mask. */
  readonly bbox: BoxXywh;
  /** Pixels. */
  readonly area: number;
  /** How well the network thinks that it fits. */
  readonly predictedIou: number;
  /** How little it depends on the threshold of the logits, 0…1. */
  readonly stabilityScore: number;
  /** What was asked. */
  readonly prompt: SamPrompt;
  /** Which of the prompts that was, from 0. Of "everything" no prompt was given. */
  readonly promptIndex?: number;
  /** Of "everything": the window of the picture in which it was found. */
  readonly cropBox?: BoxXywh;
}
