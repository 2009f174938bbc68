import { decoderFields, type OwnRecipe } from "./own-recipe.js";

/**
 * The optimiser with which AD-SAM's authors train it for their comparison: SGD with momentum 0.9 and weight decay 5e-4, 0.01 for the heads and
 * 0.001 for the ResNet, poly 0.9, cross-entropy; the auxiliary head counts 0.4. Sizes, augmentation, epochs and batches are AD-SAM's.
 *
 * Two things of theirs are left to whoever has the file: they begin with torchvision's DeepLabV3 (`model.resnetWeights: auto`), and keep its
 * BatchNorm statistics (`model.frozenBatchNorm: true`). Here the statistics are learnt, as in torchvision's reference, which suits random weights.
 */
export const deepLabV3Recipe: OwnRecipe = {
  title: "DeepLabV3",
  usualResnetWeights: {
    resnet18: "resnet18",
    resnet34: "resnet34",
    resnet50: "deeplabv3-resnet50",
    resnet101: "deeplabv3-resnet101",
  },
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
