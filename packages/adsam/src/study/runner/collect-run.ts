/** A run as its study's results tell of it, from the files in its folder. */
import { existsSync } from "node:fs";
import path from "node:path";
import { readCsvLog } from "../../train/csv-log.js";
import { differences } from "../plan/identity.js";
import type { PlannedRun } from "../plan/plan.js";
import type { Study } from "../plan/read.js";
import type { StudyRun } from "../results.js";
import type { StudyFolder } from "./layout.js";
import { minutesUsed, type RunRecord, readRecord } from "./record.js";
import { notScored, savedScores } from "./score-run.js";

/** Data sets are called by their titles, because two of them may come from one reader. */
export function collectedRun(study: Study, folder: StudyFolder, run: PlannedRun): StudyRun {
  const title = (name: string) => study.data[name]!.title;
  const record = currentRecord(folder, run);
  const saved = run.tests.flatMap((test) => {
    const found = record?.state === "trained" ? savedScores(study, folder, run, test) : undefined;
    return found ? [{ test, ...found }] : [];
  });
  const unscored = run.tests.filter((name) => !saved.some(({ test }) => test === name));
  const pictures = saved.find(({ test }) => test === run.train)?.pictures;
  const { trainPictures, subset, attempts = [] } = record ?? {};
  const machines = [...new Set(attempts.map(({ machine }) => machine))];
  return {
    id: run.id,
    system: run.system,
    train: title(run.train),
    seed: run.seed,
    budget: run.budget,
    recipeHash: run.recipeHash,
    ...(machines.length > 0 && { machine: machines.join("; ") }),
    ...(trainPictures !== undefined && { trainPictures }),
    ...(subset && { subset }),
    curve: record === undefined ? [] : curveOf(path.join(folder.run(run.place), "log.csv")),
    scores: saved.map(({ test, scores }) => ({ ...scores, dataset: title(test) })),
    ...(pictures && { pictures: [...pictures] }),
    ...(unscored.length > 0 && { missing: whyMissing(study, folder, run, unscored) }),
  };
}

/** Of this version of the recipe. */
export function currentRecord(folder: StudyFolder, { place, id }: PlannedRun): RunRecord | undefined {
  const record = readRecord(folder, place);
  return record?.id === id ? record : undefined;
}

function whyMissing(study: Study, folder: StudyFolder, run: PlannedRun, unscored: readonly string[]): string {
  const record = readRecord(folder, run.place);
  if (record === undefined) return "not begun";
  if (record.id !== run.id)
    return `results of another version of its recipe, ${record.id} (${differences(record.recipe, run.recipe)})`;
  if (record.error !== undefined) return record.error;
  if (record.state !== "trained") return `stopped after ${minutesUsed(record).toFixed(1)} min of training`;
  return notScored(study, folder, run, unscored);
}

/** Logs round seconds; a curve goes forward all the same. */
const leastSeconds = 0.001;

function curveOf(log: string): StudyRun["curve"] {
  if (!existsSync(log)) return [];
  let minutes = 0;
  return readCsvLog(log).map(({ epoch, runSeconds, valMIoU, valPixelAccuracy, loss }) => {
    minutes = Math.max(runSeconds ?? 0, minutes * 60 + leastSeconds) / 60;
    return {
      epoch: epoch!,
      minutes,
      valMIoU: valMIoU ?? null,
      valPixelAccuracy: valPixelAccuracy ?? null,
      loss: loss ?? null,
    };
  });
}
