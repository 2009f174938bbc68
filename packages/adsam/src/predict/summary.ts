import type { Size } from "../data/picture.js";
import type { Refinement } from "../evaluate/refine/options.js";
import type { ClassShares } from "./shares.js";
import type { SubmissionForm } from "./submission/form.js";

/** What `predictions.json` says of a picture; files are relative to its folder, `/` between the parts. */
export interface PicturePrediction {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly ids?: string;
  readonly overlay?: string;
  readonly shares: ClassShares;
}

export interface VideoPrediction {
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  /** Frames read, and how many of them the network looked at. */
  readonly frames: number;
  readonly predicted: number;
  readonly overlay?: string;
  /** Mean over the frames looked at. */
  readonly shares: ClassShares;
  /** What was not as it should be; the video that is there was predicted nevertheless. */
  readonly warning?: string;
}

/** A file without a prediction, and why. */
export interface FailedInput {
  readonly file: string;
  readonly error: string;
}

/** The whole of a run: `predictions.json`, and what `adsam predict --json` prints. */
export interface PredictionSummary {
  readonly checkpoint: string;
  readonly classes: readonly string[];
  /** What the network saw, in pixels. */
  readonly input: Size;
  /** What numbers the id pictures hold. */
  readonly ids: "train ids" | "Cityscapes label ids";
  /** What was done beside one look at each picture. */
  readonly refinement?: Refinement;
  /** Where the id pictures are for a benchmark's server, relative to the folder. */
  readonly submission?: { readonly format: SubmissionForm; readonly split: string; readonly folder: string };
  readonly device: string;
  readonly precision: string;
  /** On a GPU, why the network's operators were not recorded and replayed, if they were not. */
  readonly notReplayed?: string;
  /** False where the run was stopped before its last file. */
  readonly complete: boolean;
  readonly seconds: number;
  readonly pictures: readonly PicturePrediction[];
  readonly videos: readonly VideoPrediction[];
  readonly failed: readonly FailedInput[];
}
