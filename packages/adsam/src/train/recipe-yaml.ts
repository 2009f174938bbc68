import { stringify } from "yaml";
import { recipeFields } from "./recipe-fields.js";
import { groupDescriptions, type Recipe, type RecipeGroup, recipeGroups } from "./recipe-schema.js";

/** The recipe as a YAML file that `resolveRecipe` reads back to the same values; every field carries its description. */
export function recipeToYaml(recipe: Recipe): string {
  const groups = (Object.keys(recipeGroups) as RecipeGroup[]).map((group) => {
    const rows = recipeFields
      .filter((field) => field.group === group)
      .map((field) => ({
        entry: `  ${field.key}: ${flow((recipe[group] as Record<string, unknown>)[field.key])}`,
        note: field.description,
      }));
    const column = Math.min(60, Math.max(...rows.map(({ entry }) => entry.length)));
    const lines = rows.map(({ entry, note }) => `${entry.padEnd(column)}  # ${note}`);
    return `${group}:  # ${groupDescriptions[group]}\n${lines.join("\n")}\n`;
  });
  return `# A recipe of AD-SAM: \`adsam train THIS_FILE\`. What is left out takes the paper's value.\n\n${groups.join("\n")}`;
}

/** One line of YAML. */
function flow(value: unknown): string {
  const inner = stringify({ value }, { collectionStyle: "flow", lineWidth: 0, flowCollectionPadding: false }).trim();
  return inner.slice("{value: ".length, -1); // `{value: …}`
}
