import { Problem } from "@adsam/torch";
import type { Dataset } from "../data/dataset.js";
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

/** @throws Problem where a recipe counts other classes than the data set has */
export function checkClasses({ model, loss }: Recipe, { name, classes }: Pick<Dataset, "name" | "classes">): void {
  const count = classes.names.length;
  const refuse = (what: string, found: string, todo: string): never => {
    throw new Problem({
      what,
      found,
      expected: `${count}, as ${name} has classes (${classes.names.join(", ")})`,
      todo,
    });
  };
  if (model.numClasses !== "auto" && model.numClasses !== count)
    refuse("recipe key model.numClasses", `${model.numClasses}`, "Leave it at auto, which takes the data set's.");
  if (loss.classWeights && loss.classWeights.length !== count)
    refuse("recipe key loss.classWeights", `${loss.classWeights.length} weights`, "Give one a class, in that order.");
}

/** A network as the recipe describes it, with first weights by the default generator. */
export function bareNetwork(recipe: Recipe, classes: ClassTable): AdSam {
  return new AdSam(networkConfig(recipe, classes));
}

/** The same, with the published weights that the recipe names. */
export function buildNetwork(recipe: Recipe, classes: ClassTable): AdSam {
  const network = bareNetwork(recipe, classes);
  const { encoderWeights, resnetWeights } = recipe.model;
  if (encoderWeights) loadEncoder(network, encoderWeights);
  if (resnetWeights && network.resnetEncoder) loadWeights(network.resnetEncoder, resnetWeights, { ignored: ["fc."] });
  return network;
}

/** Reads SAM's image encoder out of a published checkpoint of the whole of SAM, or of the encoder alone. */
export function loadEncoder(network: AdSam, path: string): void {
  if (!network.samEncoder) return;
  const ignored = ["prompt_encoder.", "mask_decoder."];
  loadWeights(network.samEncoder, path, { prefix: "image_encoder.", ignored });
}
