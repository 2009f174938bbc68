/** A network small enough for tests, with random weights, as a checkpoint. */
import { Generator, scope } from "@adsam/torch";
import { type ClassTable, cityscapesClasses } from "../src/data/labels.js";
import { AdSam, type AdSamConfig } from "../src/models/ad-sam.js";
import { writeCheckpoint } from "../src/train/checkpoint.js";
import { networkConfig } from "../src/train/network.js";
import { resolveRecipe } from "../src/train/recipe.js";

const { recipe } = resolveRecipe({
  flags: {
    "model.encoder": "nano",
    "model.resnet": "resnet18",
    "model.fusionDim": 32,
    "model.decoderDims": [32, 16, 16],
    "input.height": 64,
    "input.width": 96,
  },
});

export const tinyConfig: AdSamConfig = networkConfig(recipe, cityscapesClasses);

/** Writes it. @returns the path */
export function tinyCheckpoint(file: string, classes: ClassTable = cityscapesClasses): string {
  Generator.default().seed(5);
  const progress = { epoch: 3, step: 30, batches: 0, lossSums: {}, epochSeconds: 0, best: null };
  scope(() => {
    using network = new AdSam(networkConfig(recipe, classes));
    writeCheckpoint(file, network, { recipe, classes, progress });
  });
  return file;
}
