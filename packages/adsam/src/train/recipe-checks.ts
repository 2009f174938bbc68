import { isDeepStrictEqual } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { defaultOf, fieldValue, show } from "./recipe-fields.js";
import type { Recipe } from "./recipe-schema.js";
import { ownRecipeOf } from "./systems/own-recipes.js";

/** Where a field's value came from: `default`, `demo.yaml:12` or `--optim.lr`. */
export type RecipeSources = ReadonlyMap<string, string>;

type Refuse = (fields: readonly string[], found: string, expected: string, todo: string) => never;

/**
 * What no single field can know: fields that contradict each other.
 * @throws Problem naming the fields and where each value came from
 */
export function checkRecipe(recipe: Recipe, sources: RecipeSources): void {
  const { augment, input, loss, model, optim } = recipe;
  const refuse: Refuse = (fields, found, expected, todo) => {
    const named = fields.map((field) => `${field} (${sources.get(field) ?? "default"})`).join(" and ");
    throw new Problem({ what: `recipe: ${named}`, found, expected, todo });
  };

  checkSystem(recipe, refuse);
  if (model.adapter !== "none" && (model.encoder === "none" || model.encoderTrained)) {
    refuse(
      ["model.adapter", model.encoderTrained ? "model.encoderTrained" : "model.encoder"],
      model.encoderTrained ? "adapters in an encoder that is trained itself" : "adapters and no encoder",
      "a frozen encoder to adapt",
      "Set one of them only.",
    );
  }
  if (model.encoder === "none" && model.resnet === "none") {
    refuse(
      ["model.encoder", "model.resnet"],
      "none and none",
      "at least one encoder",
      "Name a SAM encoder or a ResNet.",
    );
  }
  if (model.encoder === "none" && model.encoderWeights !== null && model.encoderWeights !== "auto") {
    refuse(
      ["model.encoderWeights", "model.encoder"],
      "weights for no encoder",
      "an encoder to load them",
      "Set model.encoder, or leave the weights out.",
    );
  }
  if (model.resnet === "none" && model.resnetWeights !== null && model.resnetWeights !== "auto") {
    refuse(
      ["model.resnetWeights", "model.resnet"],
      "weights for no ResNet",
      "a ResNet to load them",
      "Set model.resnet, or leave the weights out.",
    );
  }
  const uneven = model.decoderDims.find((dim) => dim % model.attentionHeads !== 0);
  if (model.decoder === "deformable-attention" && uneven !== undefined) {
    refuse(
      ["model.decoderDims", "model.attentionHeads"],
      `${uneven} channels for ${model.attentionHeads} heads`,
      "channels that the heads divide",
      "Change one of them.",
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
  if (
    Array.isArray(loss.classWeights) &&
    model.numClasses !== "auto" &&
    loss.classWeights.length !== model.numClasses
  ) {
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
  if (augment.scale !== null && augment.crop === null) {
    refuse(
      ["augment.scale", "augment.crop"],
      "a random scale and no crop",
      "a crop, because pictures of different sizes do not fit into one batch",
      `Set augment.crop, for example to ${input.height}x${input.width}.`,
    );
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

/** What the system has no place for. */
function checkSystem(recipe: Recipe, refuse: Refuse): void {
  const { title, unused, refusals } = ownRecipeOf(recipe);
  for (const path of unused) {
    const value = fieldValue(recipe, path);
    const fallback = defaultOf(recipe.model.name, path);
    if (isDeepStrictEqual(value, fallback)) continue;
    const todo = `Leave ${path} out; its place is held by ${show(fallback)}.`;
    refuse(["model.name", path], `${title} and ${path} ${show(value)}`, `no ${path}, which does nothing there`, todo);
  }
  for (const { field, found, expected, todo } of refusals?.(recipe.model) ?? [])
    refuse(["model.name", field], `${title} and ${found}`, expected, todo);
}
