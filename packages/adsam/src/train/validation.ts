import { join } from "node:path";
import type { Dataset } from "../data/dataset.js";
import { writeWhole } from "../data/files.js";
import { readPicture } from "../data/picture.js";
import { resizeBilinear } from "../data/transforms/resize.js";
import { encodePicture, overlay } from "../data/write-png.js";
import { evaluate } from "../evaluate/evaluate.js";
import type { AdSam } from "../models/ad-sam.js";
import type { Compute } from "./device.js";
import type { TrainEventStream, ValidationScores } from "./events.js";
import type { Recipe } from "./recipe-schema.js";

export interface ValidationOptions {
  readonly network: AdSam;
  readonly dataset: Dataset;
  readonly recipe: Recipe;
  readonly compute: Compute;
  readonly events: TrainEventStream;
  readonly epoch: number;
  readonly step: number;
}

/** Scores the validation split and saves the first few predictions as overlays under `<out>/samples`. */
export async function validate(options: ValidationOptions): Promise<ValidationScores> {
  const { network, dataset, recipe, compute, events, epoch, step } = options;
  const started = performance.now();
  let pictures = 0;
  const matrix = await evaluate({
    network,
    dataset,
    input: { height: recipe.input.height, width: recipe.input.width },
    resolution: recipe.train.valResolution,
    compute,
    workers: recipe.data.workers,
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
