import type { MaskFiles } from "./outputs.js";

/** A mask in `sam.json`. */
export interface MaskSummary {
  /** From 1: its value in the picture of all masks, its `id` in the records. */
  readonly id: number;
  /** Number of the prompt, from 1; not there for "everything". */
  readonly prompt?: number;
  /** Its own PNG, relative to the folder. */
  readonly file?: string;
  /** x, y, width, height in pixels. */
  readonly bbox: readonly number[];
  readonly area: number;
  readonly predicted_iou: number;
  readonly stability_score: number;
}

/** A picture in `sam.json`; files are relative to its folder. */
export interface PictureSummary extends MaskFiles {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly seconds: number;
  /** Share of the pixels that are in a mask, 0…1. */
  readonly covered: number;
  readonly masks: readonly MaskSummary[];
}

/** A picture without masks, and why. */
export interface FailedPicture {
  readonly file: string;
  readonly error: string;
}

/** The whole of a run: `sam.json`, and what `adsam sam --json` prints. */
export interface SamSummary {
  readonly encoder: string;
  /** The checkpoint; null: random weights of `seed`. */
  readonly weights: string | null;
  readonly seed?: number;
  readonly device: string;
  readonly precision: string;
  /** What was asked of each picture. */
  readonly question: "prompts" | "everything";
  /** False where the run was stopped before its last picture. */
  readonly complete: boolean;
  readonly seconds: number;
  readonly pictures: readonly PictureSummary[];
  readonly failed: readonly FailedPicture[];
}
