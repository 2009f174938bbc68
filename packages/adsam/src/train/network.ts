import type { ClassTable } from "../data/labels.js";
import { AdSam, type AdSamConfig } from "../models/ad-sam.js";
import { loadWeights } from "../models/weights.js";
import type { Recipe } from "./recipe-schema.js";

/** The network's configuration out of a recipe. */
export function networkConfig(recipe: Recipe, classes: ClassTable): AdSamConfig {
  const { model } = recipe;
  const [dim1, dim2, dim3] = model.decoderDims;
  return {
    numClasses: model.numClasses === "auto" ? classes.names.length : model.numClasses,
    encoder: model.encoder,
    resnet: model.resnet,
    decoder: model.decoder,
    deformable: model.deformable,
    channelAttention: model.channelAttention,
    frozenBatchNorm: model.frozenBatchNorm,
    encoderTrained: model.encoderTrained,
    embeddingOnly: false,
    fusionDim: model.fusionDim,
    decoderDims: [dim1!, dim2!, dim3!],
    attentionHeads: model.attentionHeads,
    attentionPoints: model.attentionPoints,
  };
}

/** A new network with the published weights its recipe names. The default generator decides the rest of its weights. */
export function buildNetwork(recipe: Recipe, classes: ClassTable): AdSam {
  const network = new AdSam(networkConfig(recipe, classes));
  const { encoderWeights, resnetWeights } = recipe.model;
  if (encoderWeights && network.samEncoder)
    loadWeights(network.samEncoder, encoderWeights, {
      prefix: "image_encoder.",
      ignored: ["prompt_encoder.", "mask_decoder."],
    });
  if (resnetWeights && network.resnetEncoder) loadWeights(network.resnetEncoder, resnetWeights, { ignored: ["fc."] });
  return network;
}
