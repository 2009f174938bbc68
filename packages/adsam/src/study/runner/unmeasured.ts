/** Systems whose cost is not known: why stands in a file beside the place where it would be. */
import { writeWhole } from "../../data/files.js";
import { savedCost } from "../efficiency/ask.js";
import type { PlannedMeasure } from "../plan/plan.js";
import { deleteWhole } from "./cannot-write.js";
import type { StudyFolder } from "./layout.js";
import { readJson } from "./record.js";

interface MeasureError {
  readonly id: string;
  readonly error: string;
}

export interface Unmeasured {
  readonly measure: PlannedMeasure;
  /** Why it could not be measured the last time; absent where no one has tried with this version of the recipe. */
  readonly error?: string;
}

/** Those of the measures planned that are not there, in their order. */
export function unmeasured(folder: StudyFolder, measures: readonly PlannedMeasure[]): Unmeasured[] {
  return measures
    .filter((measure) => savedCost(folder, measure) === undefined)
    .map((measure) => {
      const saved = readJson<MeasureError>(folder.measureError(measure.place));
      return { measure, ...(saved?.id === measure.id && { error: saved.error }) };
    });
}

/** @param error undefined where it was measured, or was stopped */
export async function noteMeasured(folder: StudyFolder, measure: PlannedMeasure, error?: string): Promise<void> {
  const file = folder.measureError(measure.place);
  const said: MeasureError | undefined = error === undefined ? undefined : { id: measure.id, error };
  if (said) await writeWhole(file, `${JSON.stringify(said)}\n`);
  else if (savedCost(folder, measure)) deleteWhole(folder.root, file);
}
