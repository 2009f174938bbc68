import type { OwnRecipe } from "./own-recipe.js";

/** The recipe's defaults are AD-SAM's. */
export const adSamRecipe: OwnRecipe = { title: "AD-SAM", defaults: {}, unused: [] };
