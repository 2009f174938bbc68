/** What a recipe's network holds and computes, without its weights: nothing is allocated. */
import { chooseCompute } from "../../compute.js";
import { type ClassTable, IGNORE } from "../../data/labels.js";
import { describeNetwork } from "../../describe/modules.js";
import type { Segmenter } from "../../models/segmenter.js";
import { networkOf, settleModel } from "../../train/network.js";
import type { Recipe } from "../../train/recipe-schema.js";

export interface NetworkSize {
  readonly parameters: number;
  readonly trainedParameters: number;
  /** Of one picture at the recipe's input size. */
  readonly multiplyAdds: number;
}

/** Builds the network with random weights. @param numClasses that it tells apart */
export function networkBuilder(recipe: Recipe, numClasses: number): () => Segmenter {
  const random = { ...recipe, model: { ...recipe.model, encoderWeights: null, resnetWeights: null } };
  const settled = settleModel(random, chooseCompute(recipe.run));
  return () => networkOf(settled, tableOf(numClasses));
}

export function networkSize(recipe: Recipe, numClasses: number): NetworkSize {
  const { root } = describeNetwork(networkBuilder(recipe, numClasses), recipe.input);
  const { trained, frozen } = root.parameters;
  return { parameters: trained + frozen, trainedParameters: trained, multiplyAdds: root.multiplyAdds };
}

const tableOf = (numClasses: number): ClassTable => ({
  names: Array.from({ length: numClasses }, (_, id) => `class ${id}`),
  colours: Array.from({ length: numClasses }, () => [0, 0, 0] as const),
  ignoreIndex: IGNORE,
});
