import { isDeepStrictEqual } from "node:util";
import { stringify } from "yaml";
import { fieldValue, recipeFields } from "./recipe-fields.js";
import { groupDescriptions, type Recipe, type RecipeGroup, recipeGroups } from "./recipe-schema.js";
import { ownRecipeOf } from "./systems/own-recipes.js";

/** The recipe as a YAML file that `resolveRecipe` reads back to the same values; every field that does something for its system carries
 * its description, and the system's own values say so. */
export function recipeToYaml(recipe: Recipe): string {
  const { name } = recipe.model;
  const { title, defaults, unused } = ownRecipeOf(recipe);
  const isOwn = (path: string) =>
    Object.hasOwn(defaults, path) && isDeepStrictEqual(fieldValue(recipe, path), defaults[path]);
  const groups = (Object.keys(recipeGroups) as RecipeGroup[]).map((group) => {
    const rows = recipeFields
      .filter((field) => field.group === group && !unused.includes(field.path))
      .map(({ path, key, description }) => ({
        entry: `  ${key}: ${flow(fieldValue(recipe, path))}`,
        note: isOwn(path) ? `${description} (${name}'s own)` : description,
      }));
    const column = Math.min(60, Math.max(...rows.map(({ entry }) => entry.length)));
    const lines = rows.map(({ entry, note }) => `${entry.padEnd(column)}  # ${note}`);
    return `${group}:  # ${groupDescriptions[group]}\n${lines.join("\n")}\n`;
  });
  const rest =
    name === "ad-sam"
      ? "What is left out takes the paper's value."
      : `What is left out takes the value of ${title}'s own recipe, or does nothing for it.`;
  return `# A recipe of AD-SAM: \`adsam train THIS_FILE\`. ${rest}\n\n${groups.join("\n")}`;
}

/** One line of YAML. */
function flow(value: unknown): string {
  const inner = stringify({ value }, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false }).trim();
  return inner.slice("{value: ".length, -1); // `{value: …}`
}
