import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { withPrecision } from "../compute.js";
import { writeWhole } from "../data/files.js";
import { headerSize, type LabelMap, type Picture, pixels, readPicture } from "../data/picture.js";
import { SamAutomaticMaskGenerator } from "../models/sam/automatic/generator.js";
import { automaticMaskSettings } from "../models/sam/automatic/options.js";
import { SamPredictor } from "../models/sam/predictor.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import { ahead } from "../predict/ahead.js";
import type { PredictionInput } from "../predict/inputs.js";
import { messageOf } from "../predict/pictures.js";
import { rounded } from "./annotations.js";
import type { FoundMask } from "./found-mask.js";
import { maskMap } from "./mask-map.js";
import { type OpenSam, openPlanned, planSam, type SamPlan, type SamSource } from "./network.js";
import { type MaskFiles, maskFile, maskFiles, refuseExisting, summaryName, writeMasks } from "./outputs.js";
import { findPictures } from "./pictures.js";
import { promptedMasks } from "./prompted-masks.js";
import { checkPrompts, promptsByPicture } from "./prompts.js";
import type { MaskFormat, SamQuestion } from "./question.js";
import type { FailedPicture, PictureSummary, SamSummary } from "./summary.js";

export interface SamRun extends SamSource {
  /** Pictures, folders, patterns: see `findPictures`. */
  readonly inputs: readonly string[];
  readonly question: SamQuestion;
  /** Folder; made where it is not there. */
  readonly out: string;
  readonly formats: ReadonlySet<MaskFormat>;
  /** How strongly colours cover the picture in overlays, 0…1. Default: 0.45. */
  readonly alpha?: number;
  /** Whether files of an earlier run are replaced. */
  readonly overwrite?: boolean;
  /** Stops after the picture at hand, or within it where everything is asked for; what is done is written. */
  readonly signal?: AbortSignal;
  /** Once all is settled, before weights are read. */
  readonly onPlan?: (plan: SamPlan) => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Everything `adsam sam` does but talk: masks as pictures, as records and over the picture, and `sam.json` beside them.
 * @throws Problem before any work where an input names nothing, a prompt lies outside its picture, weights are not there, or an output is
 * there already; pictures that turn out broken are listed in the result instead
 */
export async function samFiles(run: SamRun): Promise<SamSummary> {
  const { question, out, formats, signal, onProgress } = run;
  if ("everything" in question) automaticMaskSettings(question.everything);
  const inputs = await findPictures(run.inputs, out);
  const promptsOf = await checkedPrompts(question, inputs);
  await refuseExisting(inputs, out, formats, run.overwrite === true);
  const plan = await planSam(run);
  run.onPlan?.(plan);
  const network = openPlanned(plan);
  using _sam = network.sam;

  const start = performance.now();
  const pictures: PictureSummary[] = [];
  const failed: FailedPicture[] = [];
  const places = inputs.map((input, place) => ({ input, place }));
  for await (const { item, outcome } of ahead(places, 1, ({ input }) => readPicture(input.file))) {
    const { input, place } = item;
    const began = performance.now();
    try {
      if (outcome.status === "rejected") throw outcome.reason;
      const picture = outcome.value;
      const prompts = promptsOf[place]!;
      const masks = await askPicture(network, picture, question, prompts, signal);
      const map = maskMap(masks, picture.size);
      const files = maskFiles(input.name, formats);
      await writeMasks(
        files,
        out,
        { file: input.file, picture, masks, map, prompts, imageId: place + 1 },
        run.alpha ?? 0.45,
      );
      pictures.push(summaryOf(input, masks, map, files, secondsSince(began)));
    } catch (error) {
      if (signal?.aborted && error === signal.reason) break;
      if (!(error instanceof Problem)) throw error;
      failed.push({ file: input.file, error: messageOf(error) });
    }
    onProgress?.(pictures.length + failed.length, inputs.length);
    if (signal?.aborted) break;
  }
  const summary: SamSummary = {
    encoder: network.encoder,
    weights: network.weights === null ? null : path.resolve(network.weights),
    ...(network.weights === null && { seed: plan.seed }),
    device: network.compute.device,
    precision: network.compute.precision,
    question: "everything" in question ? "everything" : "prompts",
    complete: pictures.length + failed.length === inputs.length,
    seconds: secondsSince(start),
    pictures,
    failed,
  };
  await writeWhole(path.resolve(out, summaryName), `${JSON.stringify(summary, null, 2)}\n`);
  return summary;
}

/** For each picture its prompts, none of "everything"; checked against the sizes in the files' headers. */
async function checkedPrompts(
  question: SamQuestion,
  inputs: readonly PredictionInput[],
): Promise<(readonly SamPrompt[])[]> {
  if ("everything" in question) return inputs.map(() => []);
  const files = inputs.map(({ file }) => file);
  const prompts = promptsByPicture(question.prompts, files);
  for (const [place, file] of files.entries()) {
    if (prompts[place]!.length === 0) throw new Problem({ what: `prompts for "${file}"`, found: "none" });
    const size = await headerSize(file);
    if (size) checkPrompts(prompts[place]!, path.basename(file), size);
  }
  return prompts;
}

/** All masks of a picture, in the order in which they are numbered. @throws the signal's reason where it was stopped within */
async function askPicture(
  { sam, compute }: OpenSam,
  picture: Picture,
  question: SamQuestion,
  prompts: readonly SamPrompt[],
  signal?: AbortSignal,
): Promise<FoundMask[]> {
  return await withPrecision(compute, async () => {
    if ("everything" in question) {
      const generator = new SamAutomaticMaskGenerator(sam, { ...question.everything, outputMode: "uncompressed_rle" });
      const found = await generator.generateAsync(picture, { ...(signal && { signal }) });
      return found.map(({ segmentation, pointCoords, ...mask }) => ({
        ...mask,
        rle: segmentation,
        prompt: { pointCoords, pointLabels: [1] },
      }));
    }
    using predictor = new SamPredictor(sam);
    predictor.setImage(picture);
    return promptedMasks(predictor, prompts, question.choice);
  });
}

function summaryOf(
  { file }: PredictionInput,
  masks: readonly FoundMask[],
  { data, size }: LabelMap<Uint8Array | Uint16Array>,
  files: MaskFiles,
  seconds: number,
): PictureSummary {
  let inMask = 0;
  for (const mask of data) inMask += Number(mask > 0);
  return {
    file,
    width: size.width,
    height: size.height,
    seconds,
    ...files,
    covered: Number((inMask / pixels(size)).toFixed(4)),
    masks: masks.map(({ promptIndex, bbox, area, predictedIou, stabilityScore }, place) => ({
      id: place + 1,
      ...(promptIndex !== undefined && { prompt: promptIndex + 1 }),
      ...(files.png !== undefined && { file: `${files.png}/${maskFile(place)}` }),
      bbox,
      area,
      predicted_iou: rounded(predictedIou),
      stability_score: rounded(stabilityScore),
    })),
  };
}

const secondsSince = (start: number): number => Number(((performance.now() - start) / 1000).toFixed(3));
