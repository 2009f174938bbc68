/**
 * Trains AD-SAM on pictures of your own: two directories and a class list.
 *
 *     my-streets/dataset.yaml      names: [road, car, sky]
 *     my-streets/images/train/     PNG or JPEG pictures; images/val/ to validate on
 *     my-streets/labels/train/     grey PNGs of the same names: each pixel the number of its class, 255 where none is known
 *
 *     npx tsc -b && node examples/dist/train-your-own-folder.js my-streets runs/mine [EPOCHS]
 */
import { resolveRecipe, startTraining, TrainEventStream } from "adsam";

const [folder, out = "runs/mine", epochs = "20"] = process.argv.slice(2);
if (!folder) throw new Error("usage: train-your-own-folder.js FOLDER [RUN] [EPOCHS]");

// Every field of the paper's recipe that is not named here keeps its value; `adsam train --print-recipe` shows them all.
const { recipe } = resolveRecipe({
  flags: {
    "data.kind": "folder",
    "data.root": folder,
    "run.out": out,
    "train.epochs": epochs,
    "train.batchSize": 4,
    "input.height": 128,
    "input.width": 256,
    // Small encoders that learn from nothing, on a laptop. With a GPU, take "sam-vit-b" and "resnet50" and name their published
    // weights (model.encoderWeights, model.resnetWeights): they have seen millions of pictures before yours.
    "model.encoder": "nano",
    "model.encoderTrained": true,
    "model.resnet": "nano",
    "model.frozenBatchNorm": false,
    "model.fusionDim": 64,
    "model.decoderDims": [64, 32, 32],
    "optim.lr": 2e-3,
    "optim.resnetLrFactor": 1,
    "optim.clipNorm": 1,
  },
});

const events = new TrainEventStream();
events.subscribe({
  epochFinished: ({ epoch, loss, validation, picturesPerSecond }) =>
    console.log(
      `epoch ${epoch}: loss ${loss.toFixed(3)}, mIoU ${(100 * (validation?.mIoU ?? 0)).toFixed(1)} %, ${picturesPerSecond.toFixed(1)} pictures/s`,
    ),
});
const { best } = await startTraining(recipe, { events }); // keeps checkpoints, curves and samples in the run's folder
console.log(`best weights: ${best}`);
