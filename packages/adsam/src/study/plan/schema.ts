/** The form of a study's file: systems × data sets × seeds × budgets, and what is asked of them. */
import { z } from "zod";
import { datasetLayouts } from "../../data/layouts.js";

/** Names become parts of folders and of ids. */
const namePattern = /^[a-z0-9][a-z0-9-]*$/;
const named = <S extends z.ZodType>(value: S, what: string) =>
  z
    .record(z.string().regex(namePattern, `a ${what}'s name: small letters, digits and dashes`), value)
    .refine((all) => Object.keys(all).length > 0, `at least one ${what}`);
const listOf = <S extends z.ZodType>(item: S) =>
  z
    .array(item)
    .min(1, "a list that is not empty")
    .refine((items) => new Set(items).size === items.length, "a list that names nothing twice");
const words = listOf(z.string());
const everyOr = z.union([z.literal("all"), words], "all, or a list of names");

/** Fields of a recipe by group; `fragment.ts` checks them against the recipe's own schema. */
const fragment = z.record(z.string(), z.unknown()).default({});

const system = z.strictObject({
  title: z.string().min(1),
  kind: z.enum(["subject", "baseline", "ablation"]),
  /** Another system, whose fields lie beneath this one's. */
  like: z.string().optional(),
  /** A recipe in YAML, relative to the study's file. */
  file: z.string().min(1).optional(),
  recipe: fragment,
});

const pixels = z.int().min(1);
const data = z.strictObject({
  title: z.string().min(1),
  /** `synthetic`: scenes drawn into the study's folder. */
  kind: z.enum([...datasetLayouts, "synthetic"]),
  /** Relative to the study's file; left out: given on the command line. */
  root: z.string().min(1).optional(),
  trainSplit: z.string().min(1).default("train"),
  valSplit: z.string().min(1).default("val"),
  limitVal: z.int().min(1).optional(),
  draw: z
    .strictObject({
      domain: z.enum(["structured", "diverse"]),
      train: z.int().min(0),
      val: z.int().min(1),
      seed: z.int().min(0).default(0),
      size: z.strictObject({ height: pixels, width: pixels }).optional(),
    })
    .optional(),
  /** Fields that every system has on this data set. */
  recipe: fragment,
});

/** Minutes of wall time, validations in between included, over which the learning rate falls (`train.minutes`); or epochs. */
const budget = z
  .strictObject({ minutes: z.number().positive().optional(), epochs: z.int().min(1).optional() })
  .refine(({ minutes, epochs }) => (minutes === undefined) !== (epochs === undefined), "either minutes or epochs");

export const questions = ["accuracy", "transfer", "data-efficiency", "ablation", "efficiency"] as const;
export type Question = (typeof questions)[number];

const experiment = z.strictObject({
  asks: z.enum(questions),
  systems: everyOr.default("all"),
  train: words,
  /** Of a transfer: what else the trained networks are scored on. */
  test: words.optional(),
  /** Names of budgets; or, where data sets differ in them, data set → names. */
  budgets: z.union([words, z.record(z.string(), words)], "a list of budgets, or one a data set").optional(),
  /** Of a transfer: which classes are which; `auto` looks among the maps that come with adsam, a file is relative to the study's. */
  labelMap: z.string().min(1).optional(),
  /** Of data efficiency: sizes of the training split, drawn by the seed, each within the next. */
  pictures: listOf(z.union([z.int().min(1), z.literal("all")])).optional(),
  /** Default: the study's. */
  seeds: listOf(z.int().min(0)).optional(),
  /** Classes whose IoU stands among the rows of the results; left out: all. */
  classes: words.optional(),
  recipe: fragment,
});

/** What scoring does beside one look at each picture; validations while a run goes on do not. */
const evaluation = z.strictObject({
  /** A dense CRF over the probabilities, with the parameters of AD-SAM's authors. */
  crf: z.boolean().default(false),
  ttaMirror: z.boolean().default(false),
  /** Shares of the input size to look at. */
  ttaScales: listOf(z.number().positive()).optional(),
});

export const studySchema = z.strictObject({
  title: z.string().min(1),
  /** What the study asks, in a sentence or two. */
  asked: z.string().min(1).optional(),
  /** Fields of every run, beneath those of its system. */
  recipe: fragment,
  systems: named(system, "system"),
  data: named(data, "data set"),
  seeds: listOf(z.int().min(0)),
  budgets: named(budget, "budget"),
  experiments: named(experiment, "experiment"),
  /** Which weights are scored: those that a run ends with, or those of its best validation. */
  checkpoint: z.enum(["last", "best"]).default("last"),
  evaluate: evaluation.prefault({}),
  notes: z.array(z.string().min(1)).default([]),
});

export type StudyFile = z.output<typeof studySchema>;
export type StudyData = z.output<typeof data>;
export type StudyExperiment = z.output<typeof experiment>;
export type StudyBudgetLimits = z.output<typeof budget>;
