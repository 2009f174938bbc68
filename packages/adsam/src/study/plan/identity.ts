/** When two runs are the same training. */
import { createHash } from "node:crypto";
import path from "node:path";
import type { Recipe } from "../../train/recipe.js";
import { fieldValue, recipeFields, show } from "../../train/recipe-fields.js";
import { isInputPath } from "../../train/recipe-values.js";
import type { Study } from "./read.js";

/** Goes up whenever the same recipe comes to mean another training; results of another form are not taken for this one's. */
export const recipeForm = 1;

/** Fields that say where and how fast a run computes, and where its data are: not what it learns. */
const ofTheMachine = new Set(["data.root", "data.embeddings", "data.workers", "run.out", "run.device", "run.threads"]);

/** Eight hexadecimal digits that follow from what is trained on which data. */
export function hashOf(study: Study, data: string, recipe: Recipe): string {
  const { kind, draw } = study.data[data]!;
  const fields = fieldsOf(recipe).filter(([path]) => !ofTheMachine.has(path));
  const said = JSON.stringify({ recipeForm, data: { name: data, kind, draw }, fields });
  return createHash("sha256").update(said).digest("hex").slice(0, 8);
}

/** A file of weights counts by its name, whatever its folder: the same project may stand elsewhere on another machine. */
function fieldsOf(recipe: Recipe): [field: string, value: unknown][] {
  return recipeFields.map(({ path: field, meta }) => {
    const value = fieldValue(recipe, field);
    return [field, isInputPath(meta, value) ? `./${path.basename(value)}` : value];
  });
}

/** `optim.lr 0.001 and 0.0002`: the first few fields in which two recipes differ. */
export function differences(one: Recipe, other: Recipe): string {
  const values = new Map(fieldsOf(other));
  const differing = fieldsOf(one).filter(
    ([path, value]) => !ofTheMachine.has(path) && path !== "run.seed" && show(value) !== show(values.get(path)),
  );
  if (differing.length === 0) return "in the version of the recipes' form, or of the data";
  const named = differing.slice(0, 3).map(([path, value]) => `${path} ${show(value)} and ${show(values.get(path))}`);
  return `${named.join(", ")}${differing.length > 3 ? `, and ${differing.length - 3} more` : ""}`;
}
