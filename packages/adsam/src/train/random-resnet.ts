import { defaultOf } from "./recipe-fields.js";
import type { Recipe } from "./recipe-schema.js";
import { ownRecipeOf } from "./systems/own-recipes.js";

/**
 * What is wrong with a ResNet of random weights and frozen BatchNorm: the statistics stay at mean 0 and deviation 1, so nothing is normalised,
 * at any depth. They are frozen because those of ImageNet are better than those of two pictures.
 * @param settled by `settleModel`
 */
export function randomFrozenNorm(settled: Recipe): string | undefined {
  const { name, resnet, resnetWeights, frozenBatchNorm } = settled.model;
  const { unused, usualResnetWeights } = ownRecipeOf(settled);
  const isUsed = resnet !== "none" && !unused.includes("model.resnet");
  if (!isUsed || !frozenBatchNorm || resnetWeights !== null) return undefined;
  const said = defaultOf(name, "model.frozenBatchNorm") === true ? ", as the default recipe has it" : "";
  const usual = usualResnetWeights?.[resnet];
  const load = usual === undefined ? "" : `model.resnetWeights to ${usual} (adsam weights fetch ${usual}), or `;
  return `the ResNet begins with random weights, and its frozen BatchNorm normalises nothing${said}: set ${load}model.frozenBatchNorm to false`;
}
