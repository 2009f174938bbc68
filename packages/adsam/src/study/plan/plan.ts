/** A study's file as an ordered list of what there is to do. */
import { createHash } from "node:crypto";
import { Problem } from "@adsam/torch/problem";
import { overRecipe, type Recipe, resolveRecipe } from "../../train/recipe.js";
import { recipeFields, show } from "../../train/recipe-fields.js";
import type { Study } from "./read.js";
import type { StudyBudgetLimits, StudyExperiment } from "./schema.js";

/** Goes up whenever the same recipe comes to mean another training; results of another form are not taken for this one's. */
export const recipeForm = 1;

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

/** @throws Problem for two systems that would be trained alike: an ablation that another field has undone */
function requireDifferent(runs: readonly PlannedRun[]): void {
  const tasks = new Map<string, PlannedRun>();
  for (const run of runs) {
    const { system, train, recipeHash } = run;
    const task = JSON.stringify([train, recipeHash]);
    const first = tasks.get(task) ?? run;
    tasks.set(task, first);
    if (first.system !== system)
      throw new Problem({
        what: `study, systems "${first.system}" and "${system}" on ${train}`,
        found: "the same recipe",
        expected: "systems that differ",
        todo: "Fields of a data set and of an experiment are stronger than those of a system: see --dry-run --json.",
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
  if (first !== undefined && first.id !== one.id)
    throw new Problem({
      what: `study place "${one.place}"`,
      found: `two runs that claim it, "${first.id}" and "${one.id}": ${differences(first.recipe, one.recipe)}`,
      expected: "one run a place",
      todo: "Give the other recipe to a system with a name of its own.",
    });
  all.set(one.place, first === undefined ? one : join(first));
}

const joined = (first: PlannedRun, { tests, experiments }: PlannedRun): PlannedRun => ({
  ...first,
  tests: [...new Set([...first.tests, ...tests])],
  experiments: [...new Set([...first.experiments, ...experiments])],
});

function* runsOf(study: Study, name: string, experiment: StudyExperiment): Generator<PlannedRun> {
  const systems = experiment.systems === "all" ? Object.keys(study.systems) : experiment.systems;
  for (const seed of experiment.seeds ?? study.seeds)
    for (const train of experiment.train)
      for (const key of experiment.budgets ?? [])
        for (const size of experiment.pictures ?? ["all" as const])
          for (const system of systems) {
            const budget: RunBudget = { ...study.budgets[key]!, ...(size !== "all" && { pictures: size }) };
            const recipe = recipeOf(study, { system, data: train, experiment: name, seed, budget });
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
              tests: [...new Set([train, ...(experiment.test ?? [])])],
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

/** Weakest first: the study's fields, the system's, the data set's, the experiment's, the budget. */
function recipeOf(study: Study, { system, data, experiment, seed, budget }: RunPlace): Recipe {
  const fields = new Map([
    ...study.common,
    ...study.fields.systems.get(system)!,
    ...study.fields.data.get(data)!,
    ...study.fields.experiments.get(experiment)!,
  ]);
  const { kind, trainSplit, valSplit, limitVal } = study.data[data]!;
  const own = {
    "data.kind": readerOf(kind, study.data[data]!.draw?.domain),
    "data.trainSplit": trainSplit,
    "data.valSplit": valSplit,
    "data.limitVal": limitVal ?? null,
    "data.limitTrain": budget.pictures ?? null,
    "run.seed": seed,
    "train.stopAfterMinutes": budget.minutes ?? null,
    ...(budget.epochs !== undefined && { "train.epochs": budget.epochs }),
  };
  return resolveRecipe({
    flags: { ...Object.fromEntries([...fields].map(([path, { value }]) => [path, value])), ...own },
    spelled: Object.fromEntries([...fields].map(([path, { source }]) => [path, source])),
  }).recipe;
}

/** Which reader a data set of a study is read with. */
function readerOf(kind: Study["data"][string]["kind"], domain: "structured" | "diverse" | undefined) {
  if (kind === "synthetic") return domain === "diverse" ? "bdd100k" : "cityscapes";
  return kind === "idd-lite" ? "folder" : kind;
}

const slug = ({ minutes, epochs, pictures }: RunBudget): string[] => [
  ...(minutes === undefined ? [] : [`${String(minutes).replace(".", "_")}min`]),
  ...(epochs === undefined ? [] : [`${epochs}epochs`]),
  ...(pictures === undefined ? [] : [`${pictures}pictures`]),
];

/** Fields that say where and how fast a run computes, and where its data are: not what it learns. */
const ofTheMachine = new Set(["data.root", "data.embeddings", "data.workers", "run.out", "run.device", "run.threads"]);

function hashOf(study: Study, data: string, recipe: Recipe): string {
  const { kind, draw } = study.data[data]!;
  const fields = fieldsOf(recipe).filter(([path]) => !ofTheMachine.has(path));
  const said = JSON.stringify({ recipeForm, data: { name: data, kind, draw }, fields });
  return createHash("sha256").update(said).digest("hex").slice(0, 8);
}

function fieldsOf(recipe: Recipe): [path: string, value: unknown][] {
  return recipeFields.map(({ path, group, key }) => [path, (recipe[group] as Record<string, unknown>)[key]]);
}

/** `optim.lr 0.001 and 0.0002`: the first few fields in which two recipes differ. */
export function differences(one: Recipe, other: Recipe): string {
  const values = new Map(fieldsOf(other));
  const differing = fieldsOf(one).filter(
    ([path, value]) => !ofTheMachine.has(path) && show(value) !== show(values.get(path)),
  );
  if (differing.length === 0) return "in the version of the recipes' form, or of the data";
  const named = differing.slice(0, 3).map(([path, value]) => `${path} ${show(value)} and ${show(values.get(path))}`);
  return `${named.join(", ")}${differing.length > 3 ? `, and ${differing.length - 3} more` : ""}`;
}
