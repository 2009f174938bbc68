import { shippedFiles } from "../shipped-files.js";

/** The recipes that come with adsam, by name: `small-data`. */
export const shippedRecipes = shippedFiles("recipes", "recipe");
