import { GSam } from "../../models/g-sam/g-sam.js";
import { loadSamIntoGSam } from "../../models/g-sam/sam-weights.js";
import { loadResNetWeights } from "../../models/weights.js";
import type { Recipe } from "../recipe-schema.js";

/** G-SAM as a recipe describes it; with `auto`, on the ViT-B that its authors train. */
export function gSamOf({ encoder, resnet, frozenBatchNorm }: Recipe["model"], numClasses: number): GSam {
  if (resnet === "none") throw new Error("G-SAM without a stem: the recipe's checks let it pass");
  return new GSam({ numClasses, encoder: encoder === "auto" ? gSamEncoder : encoder, resnet, frozenBatchNorm });
}

/** What `model.encoder: auto` stands for, on every device. */
export const gSamEncoder = "sam-vit-b";

/** SAM's weights as the authors take them over, and ImageNet's for the stem, where the recipe names them. */
export function loadGSamWeights(network: GSam, { encoderWeights, resnetWeights }: Recipe["model"]): void {
  if (encoderWeights) loadSamIntoGSam(network, encoderWeights);
  const { backbone } = network.imageEncoder.cnnEmbed;
  const optional = (name: string) => name.startsWith("fc."); // nothing passes the classifier
  if (resnetWeights) loadResNetWeights(backbone, resnetWeights, { optional });
}

/**
 * How the authors train it (github usagisukisuki/G-SAM: `train.py`, `loader/Mydataloader.py`): Adam at 1e-4 for everything, no weight decay,
 * cosine to 0 by epoch over 200 epochs, batches of 8, cross-entropy, a random crop, rotation by up to 90 degrees, and the mirror image.
 * Otherwise here: pictures have ImageNet's normalisation, which both pretrained parts were trained with (theirs is mean .466 .471 .380, deviation
 * .195 .194 .192); what a rotation uncovers is ignored, where theirs is class 0; CamVid's void is ignored, which a misplaced `else` of theirs
 * undoes; and heights are multiples of 32 (CamVid's 352 is 360 there).
 */
const authorsTraining = {
  "model.name": "g-sam",
  "model.encoder": gSamEncoder,
  "model.resnet": "resnet101",
  "model.frozenBatchNorm": false,
  "augment.mirror": 0.5,
  "augment.rotate": 90,
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
} as const;

/** The authors' recipe for a data set, as flags over the defaults. */
export const gSamFlags: Readonly<Record<"cityscapes" | "camvid", Readonly<Record<string, unknown>>>> = {
  cityscapes: {
    ...authorsTraining,
    "input.height": 512,
    "input.width": 1024,
    "augment.crop": { height: 512, width: 512 },
  },
  camvid: {
    ...authorsTraining,
    "input.height": 352,
    "input.width": 480,
    "augment.crop": { height: 256, width: 256 },
  },
};
