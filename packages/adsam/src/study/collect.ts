/**
 * All that a study has measured, gathered into one file, `results.json`: what its report is drawn from. It is written again after each
 * run, from the runs' own files, so that whoever of several machines writes it last writes the same.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { writeWhole } from "../data/files.js";
import { readCsvLog } from "../train/csv-log.js";
import { type SavedCost, savedCost } from "./efficiency/ask.js";
import { type PlannedRun, planStudy } from "./plan/plan.js";
import type { Study } from "./plan/read.js";
import type { StudyFolder } from "./runner/layout.js";
import { machineTitle, versions } from "./runner/machine.js";
import { minutesUsed, type RunRecord, readJson, readRecord } from "./runner/record.js";
import type { SavedScores } from "./runner/score-run.js";
import { meanOf, studentInterval } from "./statistics/student.js";

/** A validation or an epoch without one. */
export interface CurveEntry {
  readonly epoch: number;
  /** Of training since the run's start; validation is not counted. */
  readonly minutes: number;
  readonly valMIoU: number | null;
  readonly valPixelAccuracy: number | null;
  readonly loss: number | null;
}

/** A run as the results tell of it. */
export interface CollectedRun {
  readonly id: string;
  readonly system: string;
  /** Titles of data sets, here and in `scores`: two of them may come from one reader. */
  readonly train: string;
  readonly seed: number;
  readonly budget: PlannedRun["budget"];
  readonly recipeHash: string;
  readonly trainPictures?: number;
  readonly curve: readonly CurveEntry[];
  readonly scores: readonly CollectedScores[];
  readonly missing?: string;
}

export interface CollectedScores extends Readonly<Record<string, unknown>> {
  readonly dataset: string;
}

export interface ResultRow {
  readonly study: string;
  readonly system: string;
  readonly train: string | null;
  readonly test: string | null;
  readonly metric: string;
  readonly value: number;
  /** 95 % by Student's t over the seeds; null for a single one. */
  readonly low: number | null;
  readonly high: number | null;
  readonly seeds: readonly number[];
  /** Trained for: the budget's, or the mean of what the runs took. */
  readonly minutes: number | null;
  readonly pictures?: number;
}

/** Writes `results.json`. @param command that led here, kept among those before it */
export async function collectResults(
  study: Study,
  { folder, command }: { readonly folder: StudyFolder; readonly command: string },
): Promise<void> {
  const plan = planStudy(study);
  const records = new Map(plan.runs.map((run) => [run.place, currentRecord(folder, run)]));
  const runs = plan.runs.map((run) => collected(study, folder, run, records.get(run.place)));
  const begun = [...records.values()].filter((record) => record !== undefined);
  const costs = plan.measures.flatMap((measure) => {
    const saved = savedCost(folder, measure);
    return saved ? [{ measure, saved }] : [];
  });
  const attempts = begun.flatMap(({ attempts }) => attempts);
  const before = readJson<{ commands?: string[] }>(folder.results)?.commands ?? [];
  const machines = [...new Set([...attempts, ...costs.map(({ saved }) => saved)].map(({ machine }) => machine))];
  const results = {
    format: "adsam study results 1",
    study: study.name,
    ...(study.asked !== undefined && { asked: study.asked }),
    quick: study.quick,
    machine: machines.join("; ") || machineTitle(),
    versions: Object.assign(versions(), ...begun.map((record) => record.versions)) as Record<string, string>,
    date:
      begun
        .map(({ date }) => date)
        .sort()
        .at(-1) ?? new Date().toISOString(),
    commands: [...new Set([...before, command])],
    systems: Object.entries(study.systems).map(([id, { title, kind }]) => ({ id, title, kind })),
    rows: [
      ...scoreRows(study, runs, plan.runs),
      ...costs.flatMap(({ measure, saved }) => costRows(study, measure, saved)),
    ],
    runs,
    ...(study.notes.length > 0 && { notes: study.notes }),
  };
  await writeWhole(folder.results, `${JSON.stringify(results, null, 1)}\n`);
}

/** Of this version of the recipe. */
function currentRecord(folder: StudyFolder, { place, id }: PlannedRun): RunRecord | undefined {
  const record = readRecord(folder, place);
  return record?.id === id ? record : undefined;
}

function collected(study: Study, folder: StudyFolder, run: PlannedRun, record: RunRecord | undefined): CollectedRun {
  const title = (name: string) => study.data[name]!.title;
  const scores =
    record?.state === "trained"
      ? run.tests.flatMap((test) => {
          const saved = readJson<SavedScores>(folder.scores(run.place, test));
          return saved ? [{ ...saved.scores, dataset: title(test) }] : [];
        })
      : [];
  const unscored = run.tests.filter((test) => !scores.some(({ dataset }) => dataset === title(test)));
  return {
    id: run.id,
    system: run.system,
    train: title(run.train),
    seed: run.seed,
    budget: run.budget,
    recipeHash: run.recipeHash,
    ...(record?.trainPictures !== undefined && { trainPictures: record.trainPictures }),
    curve: record === undefined ? [] : curveOf(path.join(folder.run(run.place), "log.csv")),
    scores,
    ...(unscored.length > 0 && { missing: whyMissing(record, unscored.map(title)) }),
  };
}

function whyMissing(record: RunRecord | undefined, unscored: readonly string[]): string {
  if (record === undefined) return "not begun";
  if (record.error !== undefined) return record.error;
  if (record.state !== "trained") return `stopped after ${minutesUsed(record).toFixed(1)} min of training`;
  return `not scored on ${unscored.join(", ")}`;
}

function curveOf(log: string): CurveEntry[] {
  if (!existsSync(log)) return [];
  let minutes = 0;
  return readCsvLog(log).map(({ epoch, seconds, valMIoU, valPixelAccuracy, loss }) => {
    minutes += (seconds ?? 0) / 60;
    return {
      epoch: epoch!,
      minutes,
      valMIoU: valMIoU ?? null,
      valPixelAccuracy: valPixelAccuracy ?? null,
      loss: loss ?? null,
    };
  });
}

interface ReadScores {
  readonly mIoU: number | null;
  readonly pixelAccuracy: number | null;
  readonly frequencyWeightedIoU: number | null;
  readonly boundary?: { readonly f1: number | null; readonly iou: number | null };
  readonly retention?: { readonly value: number | null };
  readonly perClass: readonly { readonly name: string; readonly iou: number | null }[];
}

/** Runs that differ in their seed alone, as rows. */
function scoreRows(study: Study, runs: readonly CollectedRun[], planned: readonly PlannedRun[]): ResultRow[] {
  const cells = new Map<string, number[]>();
  for (const [i, { system, train, budget }] of runs.entries()) {
    const key = JSON.stringify([system, train, budget.minutes, budget.epochs, budget.pictures]);
    cells.set(key, [...(cells.get(key) ?? []), i]);
  }
  return [...cells.values()].flatMap((places) => {
    const first = runs[places[0]!]!;
    const ends = places.flatMap((i) => runs[i]!.curve.at(-1)?.minutes ?? []);
    const minutes = first.budget.minutes ?? (ends.length === 0 ? null : meanOf(ends));
    const tests = [...new Set(places.flatMap((i) => runs[i]!.scores.map(({ dataset }) => dataset)))];
    const classes = new Set(planned[places[0]!]!.experiments.flatMap((name) => study.experiments[name]!.classes ?? []));
    return tests.flatMap((test) => {
      const values = new Map<string, [seed: number, value: number][]>();
      for (const i of places) {
        const scores = runs[i]!.scores.find(({ dataset }) => dataset === test) as unknown as ReadScores | undefined;
        for (const [metric, value] of scores ? metricsOf(scores, classes) : [])
          if (value != null) values.set(metric, [...(values.get(metric) ?? []), [runs[i]!.seed, value]]);
      }
      return [...values].map(([metric, found]): ResultRow => {
        const interval = studentInterval(found.map(([, value]) => value));
        return {
          study: study.name,
          system: first.system,
          train: first.train,
          test,
          metric,
          value: meanOf(found.map(([, value]) => value)),
          low: interval?.low ?? null,
          high: interval?.high ?? null,
          seeds: found.map(([seed]) => seed),
          minutes,
          ...(first.budget.pictures !== undefined && { pictures: first.budget.pictures }),
        };
      });
    });
  });
}

function metricsOf(
  scores: ReadScores,
  classes: ReadonlySet<string>,
): [metric: string, value: number | null | undefined][] {
  return [
    ["mIoU", scores.mIoU],
    ["pixelAccuracy", scores.pixelAccuracy],
    ["frequencyWeightedIoU", scores.frequencyWeightedIoU],
    ["boundaryF1", scores.boundary?.f1],
    ["boundaryIoU", scores.boundary?.iou],
    ["retention", scores.retention?.value],
    ...scores.perClass
      .filter(({ name }) => classes.has(name))
      .map(({ name, iou }): [string, number | null] => [`iou.${name}`, iou]),
  ];
}

function costRows(study: Study, { system, data }: { system: string; data: string }, { cost }: SavedCost): ResultRow[] {
  const { passes: _, ...measured } = cost;
  return Object.entries(measured).flatMap(([metric, value]) =>
    value === null
      ? []
      : [
          {
            study: study.name,
            system,
            train: null,
            test: study.data[data]!.title,
            metric,
            value,
            low: null,
            high: null,
            seeds: [],
            minutes: null,
          },
        ],
  );
}
