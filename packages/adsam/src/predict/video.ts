import { randomUUID } from "node:crypto";
import { rename, rm } from "node:fs/promises";
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { makeFolder } from "../data/make-folder.js";
import type { LabelMap, Picture } from "../data/picture.js";
import { cannotWrite } from "../train/append-whole.js";
import { ahead } from "./ahead.js";
import { type Complaint, probeVideo, type VideoInfo, type VideoWriter, videoFrames, writeVideo } from "./ffmpeg.js";
import type { PredictionInput } from "./inputs.js";
import type { PredictionPool } from "./jobs.js";
import type { OutputPlan } from "./outputs.js";
import type { Predictor } from "./predictor.js";
import type { PreparedPicture } from "./prepare.js";
import { type ClassShares, classShares, meanShares } from "./shares.js";
import type { VideoPrediction } from "./summary.js";

export interface VideoOptions {
  readonly predictor: Predictor;
  readonly pool: PredictionPool;
  readonly outputs: OutputPlan;
  /** The network looks at every N-th frame; those between show its last answer. */
  readonly every: number;
  /** Frames decoded ahead. */
  readonly prefetch: number;
  /** Stops after the frame at hand; the video so far is written. */
  readonly signal?: AbortSignal;
  /** @param total undefined where the file does not say */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

interface Frame {
  readonly picture: Picture;
  readonly isLookedAt: boolean;
}

/**
 * A video under its predictions: same frames, rate and size, without sound. A few frames are in memory at a time, whatever the length.
 * @throws Problem for a file that ffmpeg does not read, and where the result cannot be written
 */
export async function predictVideo(input: PredictionInput, options: VideoOptions): Promise<VideoPrediction> {
  const { outputs, signal } = options;
  const info = await probeVideo(input.file);
  const { overlay } = outputs.names(input);
  const complaint: Complaint = {};
  const target = overlay === undefined ? undefined : outputs.absolute(overlay);
  const half = target && `${target}.${randomUUID().slice(0, 8)}.part`;
  if (half) makeFolderOf(half);
  const writer = half === undefined ? undefined : await writeVideo(half, info);
  try {
    const { frames, shares } = await follow(input, info, complaint, writer, options);
    if (frames === 0)
      throw new Problem({
        what: `video "${input.file}"`,
        found: complaint.text ?? "no frame in it",
        expected: "frames that ffmpeg decodes",
      });
    await writer?.finish();
    if (half && target) await rename(half, target);
    const warning = signal?.aborted ? undefined : shortfall(info, frames, complaint);
    return {
      file: input.file,
      ...info.size,
      fps: info.fps,
      frames,
      predicted: shares.length,
      ...(overlay !== undefined && { overlay }),
      shares: meanShares(shares),
      ...(warning !== undefined && { warning }),
    };
  } catch (error) {
    writer?.abandon();
    if (half) await rm(half, { force: true });
    throw error;
  }
}

async function follow(
  { file }: PredictionInput,
  info: VideoInfo,
  complaint: Complaint,
  writer: VideoWriter | undefined,
  { predictor, pool, outputs, every, prefetch, signal, onProgress }: VideoOptions,
): Promise<{ frames: number; shares: ClassShares[] }> {
  const shares: ClassShares[] = [];
  let frames = 0;
  let ids: LabelMap | undefined;
  let writing = Promise.resolve();
  const begin = ({ picture, isLookedAt }: Frame): Promise<PreparedPicture | undefined> =>
    isLookedAt ? pool.prepare(picture) : Promise.resolve(undefined);
  for await (const { item, outcome } of ahead(numbered(videoFrames(file, info, complaint), every), prefetch, begin)) {
    if (outcome.status === "rejected") throw outcome.reason;
    if (outcome.value) {
      [ids] = predictor.predictPrepared([outcome.value]);
      shares.push(classShares(ids!, predictor.classes));
    }
    frames++;
    await writing; // one frame is painted and encoded while the network looks at the next
    if (writer) writing = pool.paint(item.picture, ids!, predictor.classes, outputs.alpha).then(writer.write);
    writing.catch(() => {});
    onProgress?.(frames, info.frames);
    if (signal?.aborted) break;
  }
  await writing;
  return { frames, shares };
}

async function* numbered(frames: AsyncIterable<Picture>, every: number): AsyncGenerator<Frame, void, undefined> {
  let number = 0;
  for await (const picture of frames) yield { picture, isLookedAt: number++ % every === 0 };
}

/** What a video lacks of what it says it has. A frame or two go astray where rates are rounded. */
function shortfall({ frames: said }: VideoInfo, frames: number, { text }: Complaint): string | undefined {
  const isShort = said !== undefined && frames < said - Math.max(1, 0.01 * said);
  if (!isShort && text === undefined) return undefined;
  const count = isShort
    ? `${frames} frames where the file says ${said}; it is cut short or damaged`
    : `${frames} frames`;
  return text === undefined ? count : `${count} (ffmpeg: ${text})`;
}

function makeFolderOf(file: string): void {
  try {
    makeFolder(path.dirname(file));
  } catch (error) {
    throw cannotWrite(file, error);
  }
}
