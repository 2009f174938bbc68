/** What a study knows of one of its runs, as a file in the run's folder; whoever holds the run's claim writes it. */
import { existsSync, readFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { writeWhole } from "../../data/files.js";
import type { Recipe } from "../../train/recipe-schema.js";
import type { Subset } from "../../train/subset.js";
import { differences } from "../plan/identity.js";
import type { PlannedRun } from "../plan/plan.js";
import type { StudyFolder } from "./layout.js";

/** One process that trained, from where the last one had been saved. */
export interface Attempt {
  readonly command: string;
  /** `2 × AMD EPYC 9R14, 8 GB`. */
  readonly machine: string;
  /** ISO 8601. */
  readonly started: string;
  /** Wall time, validation included, of what its last checkpoint holds. */
  readonly savedMinutes: number;
}

export interface RunRecord {
  readonly id: string;
  readonly recipe: Recipe;
  readonly state: "begun" | "trained" | "failed";
  readonly attempts: readonly Attempt[];
  readonly versions: Readonly<Record<string, string>>;
  /** Pictures trained on. */
  readonly trainPictures?: number;
  /** Where they are a part of the split. */
  readonly subset?: Subset;
  /** What went wrong last: in training, or in scoring. */
  readonly error?: string;
  /** ISO 8601, of the last change. */
  readonly date: string;
}

/** Undefined where the run was never begun. @throws Problem for a damaged file */
export function readRecord(folder: StudyFolder, place: string): RunRecord | undefined {
  return readJson<RunRecord>(folder.record(place));
}

export async function writeRecord(folder: StudyFolder, place: string, record: Omit<RunRecord, "date">): Promise<void> {
  const dated = { ...record, date: new Date().toISOString() };
  await writeWhole(folder.record(place), `${JSON.stringify(dated, null, 2)}\n`);
}

/** Undefined where there is no such file. */
export function readJson<T>(file: string): T | undefined {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8")) as T;
  } catch (error) {
    const found = (error as Error).message;
    throw new Problem(
      { what: `"${file}"`, found, expected: "what `adsam study` writes", todo: "Delete it, and run the study again." },
      { cause: error },
    );
  }
}

export const minutesUsed = ({ attempts }: Pick<RunRecord, "attempts">): number =>
  attempts.reduce((sum, { savedMinutes }) => sum + savedMinutes, 0);

/** Runs in whose places results of another version of their recipe stand. */
export function outdated(folder: StudyFolder, runs: readonly PlannedRun[]): PlannedRun[] {
  return runs.filter(({ place, id }) => {
    const record = readRecord(folder, place);
    return record !== undefined && record.id !== id;
  });
}

/** @throws Problem naming the first of them, and in what its recipe differs */
export function refuseOutdated(
  folder: StudyFolder,
  runs: readonly PlannedRun[],
  todo = "Add --fresh to delete and redo these runs, or name another folder with --out.",
): void {
  const [first, ...others] = outdated(folder, runs);
  if (first === undefined) return;
  const { id, recipe } = readRecord(folder, first.place)!;
  throw new Problem({
    what: `study folder "${folder.run(first.place)}"`,
    found: `results of another version of its recipe, ${id} (there and now: ${differences(recipe, first.recipe)})${others.length > 0 ? `, and ${others.length} more such ${others.length === 1 ? "run" : "runs"}` : ""}`,
    expected: first.id,
    todo,
  });
}
