import { Problem } from "@adsam/torch/problem";
import type { Recipe } from "./recipe-schema.js";

/** Where a field's value came from: `default`, `demo.yaml:12` or `--optim.lr`. */
export type RecipeSources = ReadonlyMap<string, string>;

/**
 * What no single field can know: fields that contradict each other.
 * @throws Problem naming the fields and where each value came from
 */
export function checkRecipe(recipe: Recipe, sources: RecipeSources): void {
  const { augment, input, loss, model, optim } = recipe;
  const refuse = (fields: readonly string[], found: string, expected: string, todo: string): never => {
    const named = fields.map((field) => `${field} (${sources.get(field) ?? "default"})`).join(" and ");
    throw new Problem({ what: `recipe: ${named}`, found, expected, todo });
  };

  if (model.encoder === "none" && model.resnet === "none") {
    refuse(
      ["model.encoder", "model.resnet"],
      "none and none",
      "at least one encoder",
      "Name a SAM encoder or a ResNet.",
    );
  }
  if (model.encoder === "none" && model.encoderWeights !== null) {
    refuse(
      ["model.encoderWeights", "model.encoder"],
      "weights for no encoder",
      "an encoder to load them",
      "Set model.encoder, or leave the weights out.",
    );
  }
  if (model.resnet === "none" && model.resnetWeights !== null) {
    refuse(
      ["model.resnetWeights", "model.resnet"],
      "weights for no ResNet",
      "a ResNet to load them",
      "Set model.resnet, or leave the weights out.",
    );
  }
  if (model.fusionDim % model.attentionHeads !== 0) {
    refuse(
      ["model.fusionDim", "model.attentionHeads"],
      `${model.fusionDim} channels in ${model.attentionHeads} heads`,
      "channels that the heads divide",
      "Change one of them.",
    );
  }
  if (model.decoderDims.length !== 3) {
    refuse(
      ["model.decoderDims"],
      `${model.decoderDims.length} stages`,
      "3, one for each of the ResNet's layer3, layer2 and layer1",
      "Give three channel counts, for example 128,64,32.",
    );
  }
  const weights = [loss.focal, loss.dice, loss.lovasz, loss.surface, loss.crossEntropy];
  if (weights.every((weight) => weight === 0)) {
    refuse(
      ["loss.focal", "loss.dice", "loss.lovasz", "loss.surface", "loss.crossEntropy"],
      "every weight 0",
      "a loss to minimise",
      "Give at least one term a weight.",
    );
  }
  if (loss.classWeights !== null && model.numClasses !== "auto" && loss.classWeights.length !== model.numClasses) {
    refuse(
      ["loss.classWeights", "model.numClasses"],
      `${loss.classWeights.length} weights for ${model.numClasses} classes`,
      "one a class",
      "Give one weight a class, in train-id order.",
    );
  }
  if (augment.scale !== null && augment.scale[0] > augment.scale[1]) {
    refuse(["augment.scale"], augment.scale.join(" to "), "the least first", "Swap the two numbers.");
  }
  if (augment.crop !== null) {
    const largest = augment.scale?.[1] ?? 1;
    const { height, width } = augment.crop;
    if (height > input.height * largest || width > input.width * largest) {
      refuse(
        ["augment.crop", "input.height"],
        `a crop of ${height}×${width} from a picture of ${input.height}×${input.width}`,
        "a crop no larger than the scaled input",
        "Make the crop smaller or the input larger.",
      );
    }
  }
  if (optim.schedule === "cosine" && optim.minLr > optim.lr) {
    refuse(
      ["optim.minLr", "optim.lr"],
      `${optim.minLr} above ${optim.lr}`,
      "a learning rate that falls",
      "Lower optim.minLr.",
    );
  }
}
