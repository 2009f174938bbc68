import { join } from "node:path";
import type { Compute } from "../compute.js";
import { writeWhole } from "../data/files.js";
import type { DataLoader } from "../data/loader.js";
import { readPicture } from "../data/picture.js";
import { resizeBilinear } from "../data/transforms/resize.js";
import { encodePicture, overlay } from "../data/write-png.js";
import type { BatchEmbeddings } from "../embed/batch-embeddings.js";
import { evaluate } from "../evaluate/evaluate.js";
import type { Segmenter } from "../models/segmenter.js";
import type { TrainEventStream, ValidationScores } from "./events.js";
import type { Recipe } from "./recipe-schema.js";

export interface ValidationOptions {
  readonly network: Segmenter;
  /** Made by `evaluationLoader`, kept from one validation to the next. */
  readonly loader: DataLoader;
  readonly recipe: Recipe;
  readonly compute: Compute;
  readonly embeddings?: BatchEmbeddings | undefined;
  readonly events: TrainEventStream;
  readonly epoch: number;
  readonly step: number;
  /** Of the pictures that the network learns from at this time, see `zoomAt`: it has not seen larger ones yet. */
  readonly zoom: number;
  /** Stops after the picture at hand; the scores are then those of a part. */
  readonly signal?: AbortSignal;
}

/** Scores the validation split and saves the first few predictions as overlays under `<out>/samples`. */
export async function validate(options: ValidationOptions): Promise<ValidationScores> {
  const { network, loader, recipe, compute, embeddings, events, epoch, step, zoom, signal } = options;
  const { dataset } = loader;
  const started = performance.now();
  let pictures = 0;
  const matrix = await evaluate({
    network,
    loader,
    resolution: recipe.train.valResolution,
    zoom,
    compute,
    embeddings,
    ...(signal && { signal }),
    onProgress: (done, total) => {
      pictures = done;
      events.emit("validationProgressed", { epoch, done, pictures: total });
    },
    onPrediction: async ({ index, id, prediction }) => {
      if (index >= recipe.train.samples) return;
      const picture = resizeBilinear(await readPicture(dataset.samples[index]!.imagePath), prediction.size);
      const png = await encodePicture(overlay(picture, prediction, dataset.classes));
      const path = join(
        recipe.run.out,
        "samples",
        id.replaceAll("/", "_"),
        `epoch-${String(epoch).padStart(3, "0")}.png`,
      );
      await writeWhole(path, png);
      events.emit("sampleSaved", { id, path, epoch, step, png, size: prediction.size });
    },
  });
  return {
    mIoU: matrix.meanIoU(),
    pixelAccuracy: matrix.pixelAccuracy(),
    perClassIoU: matrix.perClassIoU(),
    pictures,
    seconds: (performance.now() - started) / 1000,
  };
}
