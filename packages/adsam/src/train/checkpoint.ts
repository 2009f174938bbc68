import { openCheckpoint, Problem, saveCheckpoint, scope, type Tensor } from "@adsam/torch";
import type { ClassTable, Rgb } from "../data/labels.js";
import { AdSam } from "../models/ad-sam.js";
import { loadWeights } from "../models/weights.js";
import { networkConfig } from "./network.js";
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
  readonly best: { readonly epoch: number; readonly mIoU: number } | null;
}

/** What a checkpoint holds beside the weights. */
export interface CheckpointHeader {
  readonly recipe: Recipe;
  readonly classes: ClassTable;
  readonly progress: Progress;
}

/** What only resuming needs; absent in `best.pth`. */
export interface TrainingState {
  readonly optimizer: unknown;
  readonly scaler: unknown;
  /** uint8 [n]: the default generator's state. */
  readonly generator: Tensor;
}

export interface LoadedCheckpoint extends CheckpointHeader {
  readonly path: string;
  /** State-dict name → tensor, as saved. */
  readonly weights: ReadonlyMap<string, Tensor>;
  readonly training: TrainingState | undefined;
}

/** Weights of a frozen encoder that came from a published file stay in that file; everything else is saved. */
function isPublished(name: string, recipe: Recipe): boolean {
  return name.startsWith("sam_encoder.") && recipe.model.encoderWeights !== null && !recipe.model.encoderTrained;
}

/** Writes a checkpoint, whole or not at all, in PyTorch's form. */
export function writeCheckpoint(
  path: string,
  network: AdSam,
  header: CheckpointHeader,
  training?: TrainingState,
): void {
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
 * Reads a checkpoint written by `writeCheckpoint`; its tensors stand on the mapped file.
 * @throws Problem for another kind of file, naming what it is
 */
export function readCheckpoint(path: string): LoadedCheckpoint {
  const { tree } = openCheckpoint(path);
  const root = tree instanceof Map ? (tree as ReadonlyMap<string, unknown>) : new Map<string, unknown>();
  if (root.get("format") !== format)
    throw new Problem({
      what: `checkpoint "${path}"`,
      found: root.size > 0 ? `a file with the entries ${[...root.keys()].slice(0, 4).join(", ")}` : "no dictionary",
      expected: "a checkpoint that `adsam train` wrote",
      todo: "Give the run's best.pth or last.pth.",
    });
  if (Number(root.get("version")) > version)
    throw new Problem({
      what: `checkpoint "${path}"`,
      found: `version ${root.get("version")}`,
      expected: `${version} or older`,
      todo: "Update adsam.",
    });
  const training = root.get("training") as ReadonlyMap<string, unknown> | undefined;
  return {
    path,
    recipe: recipeSchema.parse(JSON.parse(String(root.get("recipe")))),
    classes: JSON.parse(String(root.get("classes"))) as { names: string[]; colours: Rgb[]; ignoreIndex: 255 },
    progress: JSON.parse(String(root.get("progress"))) as Progress,
    weights: root.get("model") as ReadonlyMap<string, Tensor>,
    training: training && {
      optimizer: training.get("optimizer"),
      scaler: training.get("scaler"),
      generator: training.get("generator") as Tensor,
    },
  };
}

/** Copies a checkpoint's weights into a network; weights of a published encoder are read from the file the recipe names. */
export function restoreWeights(network: AdSam, { recipe, weights, path }: LoadedCheckpoint): void {
  const { missing } = network.loadStateDict(weights, { strict: false, what: `checkpoint "${path}"` });
  const lost = missing.filter((name) => !isPublished(name, recipe));
  const unexpected = [...weights.keys()].filter((name) => !network.stateDict().has(name));
  if (lost.length + unexpected.length > 0)
    throw new Problem({
      what: `checkpoint "${path}"`,
      found: `${lost.length} tensors missing (${lost.slice(0, 3).join(", ")}) and ${unexpected.length} that this network does not have (${unexpected.slice(0, 3).join(", ")})`,
      expected: "the weights of the network its own recipe describes",
      todo: "The file was changed, or written by another version.",
    });
  if (missing.length > 0)
    loadWeights(network.samEncoder!, recipe.model.encoderWeights!, {
      prefix: "image_encoder.",
      ignored: ["prompt_encoder.", "mask_decoder."],
    });
}

/** A trained network, ready for prediction, with what it was trained for. */
export function loadNetwork(path: string): CheckpointHeader & { readonly network: AdSam } {
  return scope(() => {
    const checkpoint = readCheckpoint(path);
    const { recipe, classes, progress } = checkpoint;
    const network = new AdSam(networkConfig(recipe, classes));
    restoreWeights(network, checkpoint);
    return { recipe, classes, progress, network: network.eval() };
  });
}
