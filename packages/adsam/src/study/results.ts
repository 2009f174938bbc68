/** What a study has measured, as one JSON file: what its runner collects and its report is drawn from. */
import { readFileSync } from "node:fs";
import { Problem } from "@adsam/torch/problem";
import { z } from "zod";
import { placeText } from "./budget.js";

const share = z.number().min(0).max(1);
const scored = share.nullable();
const counts = z.array(z.number().min(0));
const interval = z.object({ low: z.number(), high: z.number(), level: z.number() });

/** What `adsam eval --json --confusion --per-picture` prints of one split; what a later version adds is kept as it is. */
const scoresSchema = z.looseObject({
  dataset: z.string().min(1),
  split: z.string(),
  pictures: z.int().min(1),
  rule: z.string().optional(),
  labelMap: z
    .looseObject({
      map: z.string().nullable(),
      appliedTo: z.enum(["predictions", "labels"]),
      /** Classes that one side cannot say: in no mean. */
      leftOut: z.array(z.looseObject({ name: z.string() })).optional(),
    })
    .optional(),
  mIoU: scored,
  pixelAccuracy: scored,
  meanAccuracy: scored.optional(),
  frequencyWeightedIoU: scored,
  boundary: z.looseObject({ f1: scored, iou: scored, tolerance: z.number().nullable() }).optional(),
  perClass: z.array(z.looseObject({ name: z.string(), iou: scored, pixels: z.number().min(0) })).min(1),
  /** Row-major, [label, prediction] → pixels. */
  confusion: z.looseObject({ numClasses: z.int().min(1), counts }).optional(),
  perPicture: z.array(z.object({ id: z.string(), labelled: counts, predicted: counts, right: counts })).optional(),
  /** Of a data set that the run was not trained on. */
  retention: z
    .looseObject({
      value: z.number().min(0).nullable(),
      interval: interval.nullable(),
      trained: scored,
      unseen: scored,
    })
    .optional(),
});

/** What a run may use: minutes of training, epochs, so many pictures of the training split (drawn by its seed). Left out: no limit, all. */
const budgetSchema = z.strictObject({
  minutes: z.number().positive().optional(),
  epochs: z.number().positive().optional(),
  pictures: z.int().min(1).optional(),
});

const curvePointSchema = z.strictObject({
  epoch: z.number().positive(),
  /** Since the start of training, validations included. */
  minutes: z.number().min(0),
  /** Null in an epoch without validation. */
  valMIoU: scored,
  valPixelAccuracy: scored,
  loss: z.number().nullable(),
});

/** Paths are relative to the folder of the results. Label and prediction are palette PNGs whose indices are train ids (`encodePalette`). */
const pictureSchema = z.strictObject({
  id: z.string().min(1),
  mIoU: scored,
  image: z.string().min(1),
  label: z.string().min(1),
  prediction: z.string().min(1),
});

const runSchema = z.strictObject({
  id: z.string().min(1),
  /** Id of a system of the study. */
  system: z.string().min(1),
  /** Name of the data set trained on, as its scores call it. */
  train: z.string().min(1),
  seed: z.int(),
  budget: budgetSchema,
  recipeHash: z.string(),
  /** That trained it; of a run that went on elsewhere, each of them. */
  machine: z.string().optional(),
  /** Pictures trained on. */
  trainPictures: z.int().min(1).optional(),
  /** Where they are a part of the split: drawn by the seed, so that a smaller part lies within a larger one; `fingerprint` is of their ids. */
  subset: z.strictObject({ size: z.int(), of: z.int(), seed: z.int(), fingerprint: z.string() }).optional(),
  curve: z.array(curvePointSchema),
  /** Of the data set trained on, and of others (transfer). */
  scores: z.array(scoresSchema),
  /** Of the data set trained on. */
  pictures: z.array(pictureSchema).optional(),
  /** Why the run has no scores, or not all of them. */
  missing: z.string().min(1).optional(),
});

/** One measured quantity; `docs/results.json` holds these. */
const rowSchema = z.strictObject({
  study: z.string(),
  system: z.string(),
  train: z.string().nullable(),
  test: z.string().nullable(),
  metric: z.string(),
  /** Mean over the seeds; with an interval of 95 % over them or, of a single seed's mIoU and retention, over the pictures. */
  value: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  seeds: z.array(z.int()),
  /** Of training. */
  minutes: z.number().nullable(),
  /** Trained on so many; left out: on all of the split. */
  pictures: z.int().optional(),
  /** That a latency, a memory or an energy is of. */
  machine: z.string().optional(),
});

const systemSchema = z.strictObject({
  id: z.string().min(1),
  /** `DeepLabV3-ResNet-50`. */
  title: z.string().min(1),
  /** The one that the study is about, what it is held against, or the subject with a part taken out. */
  kind: z.enum(["subject", "baseline", "ablation"]),
});

const resultsSchema = z.strictObject({
  format: z.literal("adsam study results 1"),
  study: z.string().min(1),
  /** What the study asks, in a sentence or two. */
  asked: z.string().optional(),
  /** The short form of the study: everything runs, nothing is learned well. */
  quick: z.boolean(),
  /** `2 × AMD EPYC 9R14, 8 GB`. */
  machine: z.string(),
  /** What → its version: adsam, libtorch, node. */
  versions: z.record(z.string(), z.string()),
  /** ISO 8601, of the last run. */
  date: z.iso.datetime(),
  commands: z.array(z.string()),
  systems: z.array(systemSchema).min(1),
  /** Data set → its classes' colours (red, green, blue), by name. */
  colours: z.record(z.string(), z.record(z.string(), z.tuple([z.number(), z.number(), z.number()]))).optional(),
  /** What the runs tell, which a report counts again from them, and what they do not: parameters, latency, memory. */
  rows: z.array(rowSchema),
  runs: z.array(runSchema),
  /** Costs that were asked for and are not among the rows. */
  unmeasured: z
    .array(z.strictObject({ id: z.string(), system: z.string(), test: z.string(), missing: z.string().min(1) }))
    .optional(),
  /** What a reader should know: where the subject does not win, and why. */
  notes: z.array(z.string()).optional(),
});

export type StudyResults = z.infer<typeof resultsSchema>;
export type StudyRun = z.infer<typeof runSchema>;
export type StudyScores = z.infer<typeof scoresSchema>;
export type StudyRow = z.infer<typeof rowSchema>;
export type StudySystem = z.infer<typeof systemSchema>;
export type StudyBudget = z.infer<typeof budgetSchema>;
export type StudyPicture = z.infer<typeof pictureSchema>;

export const resultsFormat = "adsam study results 1";

/**
 * @param name what the results are called in errors, such as their file
 * @throws Problem for what is no results, an unknown system, two runs that claim one place, and seeds of one place with different recipes
 */
export function parseStudyResults(value: unknown, name: string): StudyResults {
  const { success, data, error } = resultsSchema.safeParse(value);
  if (!success) {
    const { path, message } = error.issues[0]!;
    const todo = "The file was changed, or written by another version of adsam: run the study again.";
    throw refuse(
      name,
      `${path.length === 0 ? "the whole" : path.join(".")}: ${message}`,
      "what `adsam study` writes",
      todo,
    );
  }
  checkSystems(name, data);
  checkPlaces(name, data.runs);
  for (const run of data.runs) checkRun(name, run);
  return data;
}

/** @throws Problem naming the file, where it cannot be read or holds something else */
export function readStudyResults(file: string): StudyResults {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Problem({ what: `study results "${file}"`, found: (error as Error).message, expected: "a JSON file" });
  }
  return parseStudyResults(value, `study results "${file}"`);
}

function refuse(what: string, found: string, expected: string, todo?: string): Problem {
  return new Problem({ what, found, expected, ...(todo !== undefined && { todo }) });
}

function checkSystems(name: string, { systems, runs }: StudyResults): void {
  const known = systems.map(({ id }) => id);
  const twice = known.find((id, i) => known.indexOf(id) !== i);
  if (twice !== undefined) throw refuse(name, `the system "${twice}" twice`, "each system once");
  const stranger = runs.find(({ system }) => !known.includes(system));
  if (stranger)
    throw refuse(name, `run "${stranger.id}" of the unknown system "${stranger.system}"`, `one of ${known.join(", ")}`);
}

function checkPlaces(name: string, runs: readonly StudyRun[]): void {
  const claimed = new Map<string, StudyRun>();
  const recipes = new Map<string, StudyRun>();
  for (const run of runs) {
    const place = placeText(run);
    const seeded = `${place}, seed ${run.seed}`;
    const other = claimed.get(seeded);
    if (other) throw refuse(name, `runs "${other.id}" and "${run.id}" for one place (${seeded})`, "one run a place");
    claimed.set(seeded, run);
    const first = recipes.get(place) ?? run;
    if (first.recipeHash !== run.recipeHash) {
      const found = `runs "${first.id}" and "${run.id}" of different recipes (${first.recipeHash}, ${run.recipeHash})`;
      throw refuse(name, found, `one recipe for ${place}`, "Run the older one again.");
    }
    recipes.set(place, first);
  }
}

function checkRun(name: string, { id, scores, missing, curve }: StudyRun): void {
  const back = curve.findIndex(
    ({ epoch, minutes }, i) => i > 0 && !(epoch > curve[i - 1]!.epoch && minutes > curve[i - 1]!.minutes),
  );
  if (back > 0) {
    const [before, after] = [curve[back - 1]!, curve[back]!];
    const at = ({ epoch, minutes }: typeof before) => `epoch ${epoch} at ${minutes} min`;
    throw refuse(name, `${at(after)} after ${at(before)} in run "${id}"`, "a curve that goes forward");
  }
  if (scores.length === 0 && missing === undefined)
    throw refuse(name, `run "${id}" without scores`, 'scores, or the reason why there are none ("missing")');
  for (const { dataset, confusion, perClass } of scores) {
    if (confusion === undefined) continue;
    const { numClasses, counts } = confusion;
    if (numClasses !== perClass.length || counts.length !== numClasses ** 2) {
      const found = `a confusion matrix of ${counts.length} cells in run "${id}" on ${dataset}`;
      throw refuse(name, found, `${perClass.length} × ${perClass.length}, a row a class`);
    }
  }
}
