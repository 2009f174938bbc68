/** What a system costs, asked of a process of its own, so that its memory is its own. */
import { writeWhole } from "../../data/files.js";
import { openDataset } from "../../data/open.js";
import { recipeToYaml } from "../../train/recipe-yaml.js";
import { type PlannedMeasure, readerOf } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import { adsamChild } from "../runner/child.js";
import type { StudyFolder } from "../runner/layout.js";
import { commandLine, machineTitle } from "../runner/machine.js";
import { readJson } from "../runner/record.js";
import type { Cost } from "./measure.js";

/** What is in a file of costs. */
export interface SavedCost {
  readonly id: string;
  readonly command: string;
  readonly machine: string;
  readonly cost: Cost;
}

/** Undefined where this version of the recipe was not measured. */
export function savedCost(folder: StudyFolder, { id, place }: PlannedMeasure): SavedCost | undefined {
  const saved = readJson<SavedCost>(folder.measure(place));
  return saved?.id === id ? saved : undefined;
}

/** @returns why it could not be measured; undefined where it was, or was stopped */
export async function measureSystem(
  study: Study,
  { id, place, data, recipe }: PlannedMeasure,
  { folder, root, signal }: { readonly folder: StudyFolder; readonly root: string; readonly signal?: AbortSignal },
): Promise<string | undefined> {
  const { valSplit } = study.data[data]!;
  const { classes } = await openDataset({ kind: readerOf(study.data[data]!), root, split: valSplit });
  const file = folder.measure(place).replace(/\.json$/, ".yaml");
  await writeWhole(file, recipeToYaml(recipe));
  const words = ["study", "measure", file, "--classes", String(classes.names.length), "--json"];
  const { code, stdout, reason } = await adsamChild(words, { ...(signal && { signal }) });
  if (signal?.aborted) return undefined;
  if (code !== 0) return reason;
  const saved: SavedCost = {
    id,
    command: commandLine(words),
    machine: await machineTitle(recipe.run.device),
    cost: JSON.parse(stdout) as Cost,
  };
  await writeWhole(folder.measure(place), `${JSON.stringify(saved, null, 2)}\n`);
  return undefined;
}
