/** Fields of a recipe inside a study's file, checked as a recipe's own. */
import { Problem } from "@adsam/torch/problem";
import { checkedValue, recipeField, unknownKeyProblem } from "../../train/recipe-fields.js";
import { absolute } from "../../train/recipe-file.js";
import { type RecipeGroup, recipeGroups } from "../../train/recipe-schema.js";
import { isInputPath } from "../../train/recipe-values.js";

/** Field path → its value, and where it stands: `small.yaml:12`. */
export type FieldValues = ReadonlyMap<string, { readonly value: unknown; readonly source: string }>;

/** Fields that the study decides, and by which of its keys. */
const decided: Readonly<Record<string, string>> = {
  "data.kind": "data.NAME.kind",
  "data.root": "data.NAME.root",
  "data.trainSplit": "data.NAME.trainSplit",
  "data.valSplit": "data.NAME.valSplit",
  "data.limitVal": "data.NAME.limitVal",
  "data.limitTrain": "experiments.NAME.pictures",
  "data.limitSeed": "seeds",
  "run.seed": "seeds",
  "run.out": "--out",
  "train.minutes": "budgets.NAME.minutes",
  "train.stopAfterMinutes": "budgets.NAME.minutes",
};

/** Whether the study's own keys say what a field holds. */
export const isDecided = (field: string): boolean => Object.hasOwn(decided, field);

export interface FragmentPlace {
  /** `systems.ad-sam.recipe` */
  readonly key: string;
  /** Keys below it → `small.yaml:12`. */
  at(below: readonly string[]): string;
  /** What relative paths start from. */
  readonly folder: string;
}

/** @throws Problem naming line and key, for an unknown key, a wrong value and a field that is not the fragment's to say */
export function readFragment(groups: Readonly<Record<string, unknown>>, { key, at, folder }: FragmentPlace) {
  const values = new Map<string, { readonly value: unknown; readonly source: string }>();
  for (const [group, fields] of Object.entries(groups)) {
    const whole = `study ${at([group])}`;
    if (!Object.hasOwn(recipeGroups, group))
      throw unknownKeyProblem(`${whole}, key "${key}"`, group, Object.keys(recipeGroups), "");
    if (fields === null) continue;
    const known = Object.keys(recipeGroups[group as RecipeGroup].shape);
    if (typeof fields !== "object" || Array.isArray(fields))
      throw new Problem({ what: `${whole}, key "${key}.${group}"`, expected: `keys below it (${known.join(", ")})` });
    for (const [name, given] of Object.entries(fields)) {
      const source = at([group, name]);
      const path = `${group}.${name}`;
      const field = recipeField(path);
      if (field === undefined) throw unknownKeyProblem(`study ${source}, key "${key}"`, name, known, `${group}.`);
      const where = `study ${source}, key "${key}.${path}"`;
      if (decided[path] !== undefined)
        throw new Problem({ what: where, expected: `nothing: the study's ${decided[path]} says it` });
      const value = checkedValue(field, given, where);
      values.set(path, { value: isInputPath(field.meta, value) ? absolute(value, folder) : value, source });
    }
  }
  return values;
}
