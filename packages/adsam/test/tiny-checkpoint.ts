/** A network small enough for tests, with random weights, as a checkpoint. */
import { Generator, scope } from "@adsam/torch";
import { type ClassTable, cityscapesClasses } from "../src/data/labels.js";
import { type AdSamConfig, paperConfig } from "../src/models/ad-sam.js";
import { writeCheckpoint } from "../src/train/checkpoint.js";
import { networkOf } from "../src/train/network.js";
import { resolveRecipe } from "../src/train/recipe.js";

const small = { encoder: "nano", resnet: "resnet18", fusionDim: 32, decoderDims: [32, 16, 16] } as const;

const { recipe } = resolveRecipe({
  flags: {
    "model.encoder": small.encoder,
    "model.resnet": small.resnet,
    "model.fusionDim": small.fusionDim,
    "model.decoderDims": small.decoderDims,
    "input.height": 64,
    "input.width": 96,
  },
});

/** The network of the checkpoint. */
export const tinyConfig: AdSamConfig = { ...paperConfig, ...small };

/** Writes it. @returns the path */
export function tinyCheckpoint(file: string, classes: ClassTable = cityscapesClasses): string {
  Generator.default().seed(5);
  const progress = { epoch: 3, step: 30, batches: 0, lossSums: {}, epochSeconds: 0, seconds: 0, best: null };
  scope(() => {
    using network = networkOf(recipe, classes);
    writeCheckpoint(file, network, { recipe, classes, progress });
  });
  return file;
}
