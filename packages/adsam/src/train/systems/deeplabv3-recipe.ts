import { decoderFields, type OwnRecipe } from "./own-recipe.js";

/**
 * How the AD-SAM paper's comparison trains it: SGD with momentum 0.9 and weight decay 5e-4, 0.01 for the heads and 0.001 for the ResNet,
 * poly 0.9, cross-entropy; the auxiliary head counts 0.4. Sizes, augmentation, epochs and batches are AD-SAM's. The ResNet's BatchNorm
 * learns its statistics, as in torchvision's reference; `model.frozenBatchNorm` keeps them.
 */
export const deepLabV3Recipe: OwnRecipe = {
  title: "DeepLabV3",
  defaults: {
    "model.encoder": "none",
    "model.encoderWeights": null,
    "model.frozenBatchNorm": false,
    "loss.focal": 0,
    "loss.dice": 0,
    "loss.lovasz": 0,
    "loss.surface": 0,
    "loss.crossEntropy": 1,
    "optim.name": "sgd",
    "optim.lr": 0.01,
    "optim.resnetLrFactor": 0.1,
    "optim.weightDecay": 5e-4,
    "optim.momentum": 0.9,
    "optim.schedule": "poly",
    "optim.polyPower": 0.9,
    "optim.by": "step",
  },
  unused: [
    "model.encoder",
    "model.encoderWeights",
    "model.adapter",
    "model.adapterDim",
    "model.encoderTrained",
    ...decoderFields,
    "optim.encoderLrFactor",
  ],
  *refusals({ resnet }) {
    if (resnet === "none")
      yield {
        field: "model.resnet",
        found: "no ResNet",
        expected: "one, its backbone",
        todo: "Name resnet50 or resnet101.",
      };
  },
};
