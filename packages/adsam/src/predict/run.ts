import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { writeWhole } from "../data/files.js";
import { refines } from "../evaluate/refine/options.js";
import { requireFfmpeg } from "./ffmpeg.js";
import { findInputs } from "./inputs.js";
import { PredictionPool } from "./jobs.js";
import { type OutputOptions, planOutputs, refuseExisting, summaryName } from "./outputs.js";
import { messageOf, predictPictures } from "./pictures.js";
import { Predictor, type PredictorOptions } from "./predictor.js";
import { checkSubmission } from "./submission/check.js";
import { openSubmission, submissionFolder, submissionInputs } from "./submission/form.js";
import type { FailedInput, PredictionSummary, VideoPrediction } from "./summary.js";
import { predictVideo } from "./video.js";

export interface PredictionRun extends PredictorOptions, OutputOptions {
  readonly checkpoint: string;
  /** Pictures, videos, folders, patterns: see `findInputs`. With a format: the data set's folder. */
  readonly inputs: readonly string[];
  /** With a format: the split that is predicted. Default: `test`. */
  readonly split?: string;
  /** Whether files of an earlier run are replaced. */
  readonly overwrite?: boolean;
  /** Pictures a forward pass. Default: 1. */
  readonly batchSize?: number;
  /** Threads that read and write. Default: 1; 0 does it between the pictures. */
  readonly workers?: number;
  /** Of a video, look at every N-th frame. Default: 1. */
  readonly every?: number;
  /** Stops after the picture at hand; what is done is written. */
  readonly signal?: AbortSignal;
  /** @param what `pictures`, or the video's name; @param total undefined where a video does not say */
  readonly onProgress?: (what: string, done: number, total: number | undefined) => void;
}

/**
 * Everything `adsam predict` does but talk: id pictures, overlays, videos, and `predictions.json` beside them.
 * @throws Problem before any work where an input names nothing or an output is there already; files that turn out broken are
 * listed in the result instead; and at the end where what a benchmark's server is to get is not whole
 */
export async function predictFiles(run: PredictionRun): Promise<PredictionSummary> {
  const { checkpoint, batchSize = 1, workers = 1, every = 1, signal, onProgress } = run;
  checkCount("--batch", batchSize, 1);
  checkCount("--workers", workers, 0);
  checkCount("--every", every, 1);
  const { format, split = "test" } = run;
  if (format === undefined && run.split !== undefined)
    throw new Problem({
      what: "--split",
      found: `"${run.split}" without --format`,
      expected: "a split of a data set that is predicted for its benchmark's server",
    });
  const dataset = format && (await openSubmission(format, run.inputs, split));
  const inputs = dataset ? submissionInputs(dataset) : await findInputs(run.inputs, run.out);
  if (inputs.some(({ kind }) => kind === "video")) await requireFfmpeg();
  using predictor = Predictor.open(checkpoint, run);
  const outputs = planOutputs(predictor.classes, run);
  await refuseExisting(inputs, outputs, run.overwrite === true);
  await using pool = new PredictionPool(predictor.input, workers);
  const common = { predictor, pool, outputs, ...(signal && { signal }) };

  const start = performance.now();
  const { pictures, failed } = await predictPictures(
    inputs.filter(({ kind }) => kind === "picture"),
    {
      ...common,
      batchSize,
      prefetch: Math.max(batchSize, 2 * workers),
      onProgress: (done, total) => onProgress?.("pictures", done, total),
    },
  );
  const videos: VideoPrediction[] = [];
  const failures: FailedInput[] = [...failed];
  for (const input of inputs.filter(({ kind }) => kind === "video")) {
    if (signal?.aborted) break;
    const report = (done: number, total: number | undefined) => onProgress?.(path.basename(input.file), done, total);
    try {
      videos.push(
        await predictVideo(input, { ...common, every, prefetch: Math.max(1, 2 * workers), onProgress: report }),
      );
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      failures.push({ file: input.file, error: messageOf(error) });
    }
  }
  const summary: PredictionSummary = {
    checkpoint: path.resolve(checkpoint),
    classes: predictor.classes.names,
    input: predictor.input,
    ids: outputs.idForm.name,
    ...(refines(run.refinement) && { refinement: run.refinement }),
    ...(dataset && { submission: { format: format!, split, folder: submissionFolder(format!) } }),
    device: predictor.compute.device,
    precision: predictor.compute.precision,
    ...(predictor.whyNotReplayed !== undefined && { notReplayed: predictor.whyNotReplayed }),
    complete: !signal?.aborted,
    seconds: Number(((performance.now() - start) / 1000).toFixed(3)),
    pictures,
    videos,
    failed: failures,
  };
  await writeWhole(outputs.absolute(summaryName), `${JSON.stringify(summary, null, 2)}\n`);
  if (dataset && summary.complete && failures.length === 0)
    await checkSubmission(outputs.absolute(submissionFolder(format!)), format!, dataset);
  return summary;
}

function checkCount(what: string, found: number, least: number): void {
  if (Number.isInteger(found) && found >= least) return;
  throw new Problem({ what, found: String(found), expected: `a whole number, ${least} or more` });
}
