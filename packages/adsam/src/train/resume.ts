import { Problem, scope } from "@adsam/torch";
import { resnetFileNames } from "../weights/known-files.js";
import { type Progress, readCheckpoint } from "./checkpoint.js";
import { overRecipe, type Recipe, type RecipeOrigins, resolveRecipe } from "./recipe.js";
import { fieldValue, recipeFields, show } from "./recipe-fields.js";
import { lastCheckpoint, requireRun } from "./run-folder.js";

/**
 * The recipe that a run continues with: the one in its last checkpoint, under whatever the file and the flags given now say otherwise.
 * The same command with `--resume` therefore changes nothing, and `--resume` with nothing but `--out` is enough.
 * @throws Problem where there is no such run, and where what is given now would make it another run; see `checkContinuation`
 */
export function resumedRecipe(origins: RecipeOrigins): Recipe {
  const { recipe: asked, sources } = resolveRecipe(origins);
  const { out } = asked.run;
  requireRun(out);
  const { recipe: begun, progress } = scope(() => {
    const { recipe, progress } = readCheckpoint(lastCheckpoint(out));
    return { recipe, progress };
  });
  // What `auto` and the names of published files stand for was settled when the run began.
  const isSettled = (path: string) => {
    const value = fieldValue(asked, path);
    if (path === "model.resnetWeights" && resnetFileNames.includes(value as string)) return true;
    return /^(model\.|loss\.classWeights)/.test(path) && value === "auto";
  };
  const given = recipeFields
    .map(({ path }) => path)
    .filter((path) => sources.get(path) !== "default" && !isSettled(path));
  const recipe = overRecipe(begun, {
    flags: { ...Object.fromEntries(given.map((path) => [path, fieldValue(asked, path)])), "run.out": out },
    spelled: Object.fromEntries(sources),
  });
  checkContinuation(begun, recipe, progress, sources);
  return recipe;
}

/** Fields that decide which pictures a batch of an epoch holds, and which batches make a step. */
const orderFields = [
  "run.seed",
  "train.batchSize",
  "optim.accumulate",
  "data.trainSplit",
  "data.limitTrain",
  "data.limitSeed",
];

/**
 * A run keeps its network and its optimiser for good, and what its batches are until the end of an epoch that was begun.
 * @param sources field path → where its value comes from, as the user spelled it
 * @throws Problem naming the fields that differ, and both values of each
 */
export function checkContinuation(
  begun: Recipe,
  recipe: Recipe,
  { batches }: Progress,
  sources: ReadonlyMap<string, string> = new Map(),
): void {
  const isFixed = (path: string) =>
    path === "optim.name" ||
    (path.startsWith("model.") && !/Weights$/.test(path)) ||
    (batches > 0 && orderFields.includes(path));
  const changed = recipeFields.filter(
    ({ path }) => isFixed(path) && show(fieldValue(begun, path)) !== show(fieldValue(recipe, path)),
  );
  if (changed.length === 0) return;
  const named = (of: Recipe) => changed.map(({ path }) => `${path} ${show(fieldValue(of, path))}`).join(", ");
  const where = changed.flatMap(({ path }) => sources.get(path) ?? []);
  throw new Problem({
    what: `--resume${where.length > 0 ? ` with ${where.join(", ")}` : ""}`,
    found: named(recipe),
    expected: `${named(begun)}, as the run was begun`,
    todo: changed.every(({ path }) => orderFields.includes(path))
      ? "It was stopped within an epoch; leave this as it is until the epoch ends, or begin a new run in another folder."
      : "Leave this out, or begin a new run in another folder.",
  });
}
