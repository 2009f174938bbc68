import { decoderFields, type OwnRecipe } from "./own-recipe.js";

/**
 * How the authors train it (github usagisukisuki/G-SAM: `train.py`, `loader/Mydataloader.py`): Adam at 1e-4 for everything, no weight decay,
 * cosine to 0 by epoch over 200 epochs, batches of 8, cross-entropy, a random crop, rotation by up to 90 degrees, and the mirror image; sizes
 * are Cityscapes'. Otherwise here: pictures have ImageNet's normalisation, which both pretrained parts were trained with (theirs is mean .466
 * .471 .380, deviation .195 .194 .192); what a rotation uncovers is ignored, where theirs is class 0; CamVid's void is ignored, which a
 * misplaced `else` of theirs undoes; and heights are multiples of 32 (CamVid's 352 is 360 there).
 */
export const gSamRecipe: OwnRecipe = {
  title: "Generalized SAM",
  usualEncoder: "sam-vit-b",
  usualResnetWeights: { resnet18: "resnet18", resnet34: "resnet34", resnet50: "resnet50", resnet101: "resnet101" },
  whyNotStored: "it trains adapters within the encoder (model.name g-sam)",
  defaults: {
    "input.height": 512,
    "input.width": 1024,
    "augment.mirror": 0.5,
    "augment.rotate": 90,
    "augment.crop": { height: 512, width: 512 },
    "model.resnet": "resnet101",
    "model.frozenBatchNorm": false,
    "loss.focal": 0,
    "loss.dice": 0,
    "loss.lovasz": 0,
    "loss.surface": 0,
    "loss.crossEntropy": 1,
    "optim.name": "adamw",
    "optim.lr": 1e-4,
    "optim.weightDecay": 0,
    "optim.schedule": "cosine",
    "optim.minLr": 0,
    "optim.by": "epoch",
    "train.epochs": 200,
    "train.batchSize": 8,
  },
  unused: ["model.adapter", "model.adapterDim", ...decoderFields, "optim.resnetLrFactor", "optim.encoderLrFactor"],
  *refusals({ encoder, resnet }) {
    if (encoder === "none" || encoder === "mobile-sam")
      yield {
        field: "model.encoder",
        found: `encoder ${encoder}`,
        expected: "a ViT of SAM's",
        todo: "Name sam-vit-b, or leave it at auto.",
      };
    if (resnet === "none")
      yield {
        field: "model.resnet",
        found: "no ResNet",
        expected: "one, its stem",
        todo: "Name resnet101, as its authors have it.",
      };
  },
};

/** What the authors change for CamVid, as flags. */
export const gSamOnCamVid = {
  "input.height": 352,
  "input.width": 480,
  "augment.crop": { height: 256, width: 256 },
} as const;
