/** A study's file as an ordered list of what there is to do. */
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Problem } from "@adsam/torch/problem";
import { overRecipe, type Recipe, resolveRecipe } from "../../train/recipe.js";
import { absolute } from "../../train/recipe-file.js";
import { differences, hashOf } from "./identity.js";
import { layeredFields } from "./layers.js";
import type { Study } from "./read.js";
import type { StudyBudgetLimits, StudyData, StudyExperiment } from "./schema.js";

export interface RunBudget extends StudyBudgetLimits {
  /** Left out: all of the training split. */
  readonly pictures?: number;
}

/** One training, and the data sets that it is scored on. */
export interface PlannedRun {
  /** The place, and a hash of everything that decides the run: `ad-sam.camvid.20min.seed0-1f2e3d4c`. */
  readonly id: string;
  /** Its folder below `runs`; another version of the same run has the same one. */
  readonly place: string;
  readonly system: string;
  /** Data set trained on. */
  readonly train: string;
  readonly seed: number;
  readonly budget: RunBudget;
  /** Without folders: where the data stand and where the run writes is the machine's to say. */
  readonly recipe: Recipe;
  /** Of all but the seed. */
  readonly recipeHash: string;
  /** The data set trained on, then those of transfers. */
  readonly tests: readonly string[];
  /** Data set not trained on → the label map that it is scored through: `auto`, a name, or a file. */
  readonly labelMaps: Readonly<Record<string, string>>;
  readonly experiments: readonly string[];
}

/** What a system costs on pictures of a data set: nothing is trained. */
export interface PlannedMeasure {
  readonly id: string;
  readonly place: string;
  readonly system: string;
  readonly data: string;
  readonly recipe: Recipe;
}

export interface StudyPlan {
  readonly runs: readonly PlannedRun[];
  readonly measures: readonly PlannedMeasure[];
}

/** In the order of the experiments; in each all systems with the first seed, then all with the next. @throws Problem for recipes that contradict themselves, and for two runs that claim one place */
export function planStudy(study: Study): StudyPlan {
  const runs = new Map<string, PlannedRun>();
  const measures = new Map<string, PlannedMeasure>();
  for (const [name, experiment] of Object.entries(study.experiments)) {
    if (experiment.asks === "efficiency")
      for (const measure of measuresOf(study, name, experiment)) add(measures, measure, () => measure);
    else for (const run of runsOf(study, name, experiment)) add(runs, run, (first) => joined(first, run));
  }
  requireDifferent([...runs.values()]);
  return { runs: [...runs.values()], measures: [...measures.values()] };
}

/** @throws Problem for two systems that would be trained alike (an ablation that another field has undone), and for seeds that would not */
function requireDifferent(runs: readonly PlannedRun[]): void {
  const tasks = new Map<string, PlannedRun>();
  const seeds = new Map<string, PlannedRun>();
  for (const run of runs) {
    const { system, train, recipe, recipeHash } = run;
    const place = run.place.replace(/\.seed\d+$/, "");
    const other = seeds.get(place) ?? run;
    seeds.set(place, other);
    if (other.recipeHash !== recipeHash) throw twoRecipes(place, other, run);
    const task = JSON.stringify([train, recipeHash]);
    const first = tasks.get(task) ?? run;
    tasks.set(task, first);
    if (first.system !== system)
      throw new Problem({
        what: `study, systems "${first.system}" and "${system}" on ${train}`,
        found: "the same recipe",
        expected: "systems that differ",
        todo: isDeepStrictEqual(first.recipe.model, recipe.model)
          ? "Fields of a data set and of an experiment are stronger than those of a system: see --dry-run --json."
          : "Files of weights are told apart by their names, whatever their folders: rename one.",
      });
  }
}

/** @throws Problem where another run stands in the place */
function add<T extends { readonly id: string; readonly place: string; readonly recipe: Recipe }>(
  all: Map<string, T>,
  one: T,
  join: (first: T) => T,
): void {
  const first = all.get(one.place);
  if (first !== undefined && first.id !== one.id) throw twoRecipes(one.place, first, one);
  all.set(one.place, first === undefined ? one : join(first));
}

function twoRecipes(
  place: string,
  first: { readonly id: string; readonly recipe: Recipe },
  other: { readonly id: string; readonly recipe: Recipe },
) {
  return new Problem({
    what: `study place "${place}"`,
    found: `two runs that claim it, "${first.id}" and "${other.id}": ${differences(first.recipe, other.recipe)}`,
    expected: "one recipe a place",
    todo: "Give the other recipe to a system with a name of its own.",
  });
}

/** @throws Problem for two label maps between the same data sets */
function joined(first: PlannedRun, { tests, labelMaps, experiments }: PlannedRun): PlannedRun {
  const test = Object.keys(labelMaps).find((name) => (first.labelMaps[name] ?? labelMaps[name]) !== labelMaps[name]);
  if (test !== undefined)
    throw new Problem({
      what: `study, "${first.id}" scored on ${test}`,
      found: `the label maps ${first.labelMaps[test]} and ${labelMaps[test]}`,
      expected: "one",
      todo: `See labelMap of the experiments ${[...first.experiments, ...experiments].join(" and ")}.`,
    });
  return {
    ...first,
    tests: [...new Set([...first.tests, ...tests])],
    labelMaps: { ...first.labelMaps, ...labelMaps },
    experiments: [...new Set([...first.experiments, ...experiments])],
  };
}

function* runsOf(study: Study, name: string, experiment: StudyExperiment): Generator<PlannedRun> {
  const systems = experiment.systems === "all" ? Object.keys(study.systems) : experiment.systems;
  for (const seed of experiment.seeds ?? study.seeds)
    for (const train of experiment.train)
      for (const key of budgetsOn(experiment, train))
        for (const size of experiment.pictures ?? ["all" as const])
          for (const system of systems) {
            const budget: RunBudget = { ...study.budgets[key]!, ...(size !== "all" && { pictures: size }) };
            const recipe = recipeOf(study, { system, data: train, experiment: name, seed, budget });
            const tests = [...new Set([train, ...(experiment.test ?? [])])];
            const place = [system, train, ...slug(budget), `seed${seed}`].join(".");
            const recipeHash = hashOf(study, train, overRecipe(recipe, { flags: { "run.seed": 0 } }));
            yield {
              id: `${place}-${hashOf(study, train, recipe)}`,
              place,
              system,
              train,
              seed,
              budget,
              recipe,
              recipeHash,
              tests,
              labelMaps: Object.fromEntries(tests.slice(1).map((test) => [test, labelMapOf(study, experiment)])),
              experiments: [name],
            };
          }
}

function* measuresOf(study: Study, name: string, experiment: StudyExperiment): Generator<PlannedMeasure> {
  const systems = experiment.systems === "all" ? Object.keys(study.systems) : experiment.systems;
  for (const data of experiment.train)
    for (const system of systems) {
      const recipe = recipeOf(study, { system, data, experiment: name, seed: 0, budget: {} });
      const place = `${system}.${data}.efficiency`;
      yield { id: `${place}-${hashOf(study, data, recipe)}`, place, system, data, recipe };
    }
}

interface RunPlace {
  readonly system: string;
  readonly data: string;
  readonly experiment: string;
  readonly seed: number;
  readonly budget: RunBudget;
}

/** The layers' fields, and above them what the study itself decides. */
function recipeOf(study: Study, { seed, budget, ...place }: RunPlace): Recipe {
  const fields = layeredFields(study, place);
  const { trainSplit, valSplit, limitVal } = study.data[place.data]!;
  const own = {
    "data.kind": readerOf(study.data[place.data]!),
    "data.trainSplit": trainSplit,
    "data.valSplit": valSplit,
    "data.limitVal": limitVal ?? null,
    "data.limitTrain": budget.pictures ?? null,
    "run.seed": seed,
    "train.minutes": budget.minutes ?? null,
    ...(budget.epochs !== undefined && { "train.epochs": budget.epochs }),
  };
  return resolveRecipe({
    flags: { ...Object.fromEntries([...fields].map(([path, { value }]) => [path, value])), ...own },
    spelled: Object.fromEntries([...fields].map(([path, { source }]) => [path, source])),
  }).recipe;
}

/** Which reader a data set of a study is read with. */
export function readerOf({ kind, draw }: StudyData): Exclude<StudyData["kind"], "synthetic"> {
  if (kind !== "synthetic") return kind;
  return draw?.domain === "diverse" ? "bdd100k" : "cityscapes";
}

const budgetsOn = ({ budgets = [] }: StudyExperiment, train: string): readonly string[] =>
  Array.isArray(budgets) ? budgets : (budgets[train] ?? []);

/** A file is relative to the study's; what has neither a dot nor a slash is a name. */
function labelMapOf({ file }: Study, { labelMap = "auto" }: StudyExperiment): string {
  return /[./\\]/.test(labelMap) ? absolute(labelMap, path.dirname(path.resolve(file))) : labelMap;
}

const slug = ({ minutes, epochs, pictures }: RunBudget): string[] => [
  ...(minutes === undefined ? [] : [`${String(minutes).replace(".", "_")}min`]),
  ...(epochs === undefined ? [] : [`${epochs}epochs`]),
  ...(pictures === undefined ? [] : [`${pictures}pictures`]),
];
