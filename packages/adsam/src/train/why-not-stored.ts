import type { Recipe } from "./recipe-schema.js";
import { ownRecipeOf } from "./systems/own-recipes.js";

/**
 * Why training by a recipe cannot take embeddings from a store, if it cannot: they are those of whole pictures and their mirror images,
 * by a frozen encoder.
 */
export function whyNotStored({ model, augment }: Pick<Recipe, "model" | "augment">): string | undefined {
  const ever = ownRecipeOf({ model }).whyNotStored;
  if (ever !== undefined) return ever;
  if (model.encoder === "none") return "it has no SAM encoder (model.encoder none)";
  if (model.encoderTrained) return "it trains the encoder (model.encoderTrained)";
  if (model.adapter !== "none") return `it trains adapters within the encoder (model.adapter ${model.adapter})`;
  const changes = (["scale", "crop", "grow", "rotate", "jitter"] as const).filter((name) => augment[name]);
  if (changes.length === 0) return undefined;
  return `it changes pictures by more than mirroring (${changes.map((name) => `augment.${name}`).join(", ")})`;
}
