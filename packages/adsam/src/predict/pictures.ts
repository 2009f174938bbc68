import { ahead } from "./ahead.js";
import type { PredictionInput } from "./inputs.js";
import type { PredictionPool } from "./jobs.js";
import type { OutputPlan } from "./outputs.js";
import type { Predictor } from "./predictor.js";
import type { PreparedPicture } from "./prepare.js";
import { classShares } from "./shares.js";
import type { FailedInput, PicturePrediction } from "./summary.js";

export interface PicturesOptions {
  readonly predictor: Predictor;
  readonly pool: PredictionPool;
  readonly outputs: OutputPlan;
  readonly batchSize: number;
  /** Pictures read ahead of the batch at hand; as many may wait to be written. */
  readonly prefetch: number;
  /** Stops after the batch at hand. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

interface Ready {
  readonly input: PredictionInput;
  readonly prepared: PreparedPicture;
}

/** Predicts pictures in batches; a picture that cannot be read is listed and the rest goes on. */
export async function predictPictures(
  inputs: readonly PredictionInput[],
  { predictor, pool, outputs, batchSize, prefetch, signal, onProgress }: PicturesOptions,
): Promise<{ pictures: PicturePrediction[]; failed: FailedInput[] }> {
  const pictures: PicturePrediction[] = [];
  const failed: FailedInput[] = [];
  const writing: Promise<void>[] = [];
  const finish = async (batch: Ready[]): Promise<void> => {
    const maps = batch.length > 0 ? predictor.predictPrepared(batch.map(({ prepared }) => prepared)) : [];
    for (const [place, { input, prepared }] of batch.entries()) {
      const ids = maps[place]!;
      const written = pool.write(outputs.of(input), prepared.picture, ids);
      written.catch(() => {}); // told when it is waited for
      writing.push(written);
      const { ids: idsFile, overlay } = outputs.names(input);
      pictures.push({
        file: input.file,
        ...prepared.picture.size,
        ...(idsFile !== undefined && { ids: idsFile }),
        ...(overlay !== undefined && { overlay }),
        shares: classShares(ids, predictor.classes),
      });
    }
    while (writing.length > prefetch) await writing.shift();
  };
  let batch: Ready[] = [];
  for await (const { item, outcome } of ahead(inputs, prefetch, (input) => pool.read(input.file))) {
    if (outcome.status === "fulfilled") batch.push({ input: item, prepared: outcome.value });
    else failed.push({ file: item.file, error: messageOf(outcome.reason) });
    if (batch.length === batchSize) {
      await finish(batch);
      batch = [];
    }
    onProgress?.(pictures.length + failed.length, inputs.length);
    if (signal?.aborted) break;
  }
  await finish(batch);
  await Promise.all(writing);
  onProgress?.(pictures.length + failed.length, inputs.length);
  return { pictures, failed };
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
