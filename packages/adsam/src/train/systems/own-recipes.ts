import type { Recipe } from "../recipe-schema.js";
import { adSamRecipe } from "./ad-sam-recipe.js";
import { deepLabV3Recipe } from "./deeplabv3-recipe.js";
import { gSamRecipe } from "./g-sam-recipe.js";
import type { SystemName } from "./names.js";
import type { OwnRecipe } from "./own-recipe.js";
import { samRecipe } from "./sam-recipe.js";

/** `model.name` → what recipes know of it; the other half of `registry.ts`, without networks. */
export const ownRecipes: Readonly<Record<SystemName, OwnRecipe>> = {
  "ad-sam": adSamRecipe,
  sam: samRecipe,
  "g-sam": gSamRecipe,
  deeplabv3: deepLabV3Recipe,
};

export function ownRecipeOf({ model }: Pick<Recipe, "model">): OwnRecipe {
  return ownRecipes[model.name];
}
