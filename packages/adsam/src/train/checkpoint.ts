import { CheckpointFile, openCheckpoint, Problem, saveCheckpoint, scope, type Tensor } from "@adsam/torch";
import type { ClassTable, Rgb } from "../data/labels.js";
import { isAdapterName } from "../models/adapters/adapt.js";
import { isEncoderName } from "../models/encoder-names.js";
import { PublishedFile } from "../models/published/published-file.js";
import type { Segmenter } from "../models/segmenter.js";
import { loadEncoder, loadedNetwork } from "./network.js";
import { loadPublishedNetwork, publishedHeader } from "./published-network.js";
import { type Recipe, recipeSchema } from "./recipe-schema.js";

const format = "adsam-checkpoint";
const version = 1;

/** Where a run stands; with the recipe, the weights and the optimiser's state it decides everything that follows. */
export interface Progress {
  /** Epochs finished. */
  readonly epoch: number;
  /** Optimiser steps done in all. */
  readonly step: number;
  /** Batches done of the epoch under way. */
  readonly batches: number;
  /** Sums over those batches: the loss and its terms. */
  readonly lossSums: Readonly<Record<string, number>>;
  /** Seconds spent training in the epoch under way. */
  readonly epochSeconds: number;
  /** Seconds that the run has taken so far, validations included, and stops between two sessions left out. */
  readonly seconds: number;
  readonly best: { readonly epoch: number; readonly mIoU: number } | null;
}

/** What a trained network comes with. */
export interface CheckpointHeader {
  readonly recipe: Recipe;
  readonly classes: ClassTable;
  /** null: `adsam train` did not write the file, and neither it nor its recipe tell how the network was trained. */
  readonly progress: Progress | null;
}

/** What a run's checkpoint holds beside the weights. */
export interface RunHeader extends CheckpointHeader {
  readonly progress: Progress;
}

/** What only resuming needs; absent in `best.pth`. */
export interface TrainingState {
  readonly optimizer: unknown;
  readonly scaler: unknown;
  /** uint8 [n]: the default generator's state. */
  readonly generator: Tensor;
}

export interface LoadedCheckpoint extends RunHeader {
  readonly path: string;
  /** State-dict name → tensor, as saved. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly training: TrainingState | undefined;
}

/** Weights of a frozen encoder that came from a published file stay in that file; everything else is saved, adapters too. */
function isPublished(name: string, { model }: Recipe): boolean {
  if (model.encoderWeights === null || model.encoderWeights === "auto" || model.encoderTrained) return false;
  return name.startsWith("sam_encoder.") && !isAdapterName(name);
}

/** Writes a checkpoint, whole or not at all, in PyTorch's form. */
export function writeCheckpoint(path: string, network: Segmenter, header: RunHeader, training?: TrainingState): void {
  const weights = new Map([...network.stateDict()].filter(([name]) => !isPublished(name, header.recipe)));
  saveCheckpoint(path, {
    format,
    version,
    recipe: JSON.stringify(header.recipe),
    classes: JSON.stringify(header.classes),
    progress: JSON.stringify(header.progress),
    model: weights,
    ...(training && { training: training as never }),
  });
}

/**
 * Reads a checkpoint written by `writeCheckpoint`; its tensors stand on the mapped file and belong to the current scope.
 * @throws Problem for another kind of file, naming what it is, and for one that is damaged
 */
export function readCheckpoint(path: string): LoadedCheckpoint {
  const { tree } = openCheckpoint(path);
  const root = tree instanceof Map ? (tree as ReadonlyMap<string, unknown>) : new Map<string, unknown>();
  if (root.get("format") !== format) throw notOfARun(path, root);
  if (Number(root.get("version")) > version)
    throw new Problem({
      what: `checkpoint "${path}"`,
      found: `version ${root.get("version")}`,
      expected: `${version} or older`,
      todo: "Update adsam.",
    });
  const weights = root.get("model");
  if (!(weights instanceof Map)) throw damaged(path, "no weights");
  const training = root.get("training");
  return {
    path,
    recipe: savedRecipe(jsonEntry(root, "recipe", path), path),
    classes: jsonEntry(root, "classes", path) as { names: string[]; colours: Rgb[]; ignoreIndex: 255 },
    progress: jsonEntry(root, "progress", path) as Progress,
    weights: weights as ReadonlyMap<string, Tensor>,
    training:
      training instanceof Map
        ? {
            optimizer: training.get("optimizer"),
            scaler: training.get("scaler"),
            generator: training.get("generator") as Tensor,
          }
        : undefined,
  };
}

/** A file of another kind, where only a run's own will do: to be resumed. */
function notOfARun(path: string, root: ReadonlyMap<string, unknown>): Problem {
  const what = `checkpoint "${path}"`;
  const expected = "a checkpoint that `adsam train` wrote";
  const title = adSamTitle(path);
  if (title === undefined) {
    const found =
      root.size > 0 ? `a file with the entries ${[...root.keys()].slice(0, 4).join(", ")}` : "no dictionary";
    return new Problem({ what, found, expected, todo: "Give the run's best.pth or last.pth." });
  }
  const found = `weights of ${title} from elsewhere, without a run's recipe, progress and optimiser`;
  const todo = "It can be described, scored and used to predict, but no training can be resumed from it.";
  return new Problem({ what, found, expected, todo });
}

/** How the network is called where a file is AD-SAM's; undefined for every other. */
function adSamTitle(path: string): string | undefined {
  try {
    using file = new PublishedFile(path, { verify: false });
    return file.family === "ad-sam" ? file.title : undefined;
  } catch (error) {
    if (error instanceof Problem) return undefined;
    throw error;
  }
}

/** Whether `writeCheckpoint` wrote it. */
function isOfARun(path: string): boolean {
  using file = new CheckpointFile(path, { verify: false }); // whoever reads it verifies
  return file.tree instanceof Map && file.tree.get("format") === format;
}

function jsonEntry(root: ReadonlyMap<string, unknown>, name: string, path: string): unknown {
  try {
    return JSON.parse(root.get(name) as string);
  } catch {
    throw damaged(path, `an entry "${name}" that is no JSON`);
  }
}

function savedRecipe(tree: unknown, path: string): Recipe {
  const { success, data, error } = recipeSchema.safeParse(tree);
  if (success) return data;
  const [first] = error.issues;
  throw damaged(path, `a recipe this version does not know (${first?.path.join(".")}: ${first?.message})`);
}

function damaged(path: string, found: string): Problem {
  const todo = "The file was changed, or written by another version of adsam.";
  return new Problem({ what: `checkpoint "${path}"`, found, expected: "what `adsam train` writes", todo });
}

/** @throws Problem for a checkpoint of weights alone */
export function requireTrainingState({ path, training }: LoadedCheckpoint): TrainingState {
  if (training) return training;
  throw new Problem({
    what: `checkpoint "${path}"`,
    found: "weights only",
    expected: "the state of a training run",
    todo: "Resume from the run's own last.pth.",
  });
}

/**
 * Copies a checkpoint's weights into a network; weights of a published encoder are read from the file the recipe names.
 * @param options.encoderWeights where that file stands now, if it has moved
 * @throws Problem where the weights are another network's, and where the published file is missing
 */
export function restoreWeights(
  network: Segmenter,
  { recipe, weights, path }: LoadedCheckpoint,
  { encoderWeights = recipe.model.encoderWeights }: { readonly encoderWeights?: string | null } = {},
): void {
  const what = `checkpoint "${path}"`;
  const elsewhere = (name: string) => isPublished(name, recipe);
  network.loadStateDict(weights, { what, optional: elsewhere });
  const left = [...network.stateDict().keys()].some((name) => elsewhere(name) && !weights.has(name));
  if (left) loadEncoder(network, encoderWeights!);
}

/** @param options.encoderWeights the file of the frozen encoder: where it stands now, if it has moved; which it is, if the checkpoint leaves it open */
interface LoadOptions {
  readonly encoderWeights?: string;
}

/**
 * What a run's checkpoint, or a file with AD-SAM's weights from elsewhere, says of its network. Its weights stay in the file.
 * @throws Problem as `loadNetwork`, but for what only loading can find
 */
export function readHeader(path: string, options: LoadOptions = {}): CheckpointHeader {
  if (!isOfARun(path)) return publishedHeader(path, options);
  return scope(() => {
    const { recipe, classes, progress } = readCheckpoint(path);
    return { recipe: withEncoderAt(recipe, options), classes, progress };
  });
}

/**
 * A trained network, ready for prediction, with what it was trained for: a run's, or AD-SAM as its authors save it (see `publishedHeader`).
 * @throws Problem for a file of another kind, for weights that are not the network's, and where the encoder's file is missing
 */
export function loadNetwork(
  path: string,
  options: LoadOptions = {},
): CheckpointHeader & { readonly network: Segmenter } {
  return scope(() => {
    if (!isOfARun(path)) return loadPublishedNetwork(path, options);
    const checkpoint = readCheckpoint(path);
    const { classes, progress } = checkpoint;
    const recipe = withEncoderAt(checkpoint.recipe, options);
    const network = loadedNetwork(recipe, classes, (empty) => restoreWeights(empty, checkpoint, options));
    return { recipe, classes, progress, network };
  });
}

/** An encoder that is told by its file takes its sizes from where that stands now. */
function withEncoderAt(recipe: Recipe, { encoderWeights }: LoadOptions): Recipe {
  const { model } = recipe;
  const isNamed = ["auto", "none"].includes(model.encoder) || isEncoderName(model.encoder);
  return isNamed || encoderWeights === undefined ? recipe : { ...recipe, model: { ...model, encoder: encoderWeights } };
}
