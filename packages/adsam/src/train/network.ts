import { nn, Problem, scope, withDevice } from "@adsam/torch";
import type { Compute } from "../compute.js";
import type { Dataset } from "../data/dataset.js";
import type { ClassTable } from "../data/labels.js";
import { paperConfig } from "../models/ad-sam.js";
import { isAdapterName } from "../models/adapters/adapt.js";
import { isEncoderName, isPretrained } from "../models/encoder-names.js";
import { buildEncoder } from "../models/encoders.js";
import type { Segmenter } from "../models/segmenter.js";
import { loadEncoderWeights } from "../models/weights.js";
import { requireCachedFile } from "../weights/cache.js";
import { resnetFileNames } from "../weights/known-files.js";
import type { Recipe } from "./recipe-schema.js";
import { ownRecipeOf } from "./systems/own-recipes.js";
import { systemOf } from "./systems/registry.js";

/**
 * What `auto` and the names of published files stand for here: the encoder by the device, weights by what `adsam weights` fetched. Settled
 * before a run begins, so that its checkpoints name what it was.
 * @throws Problem where published weights are wanted and not there
 */
export function settleModel(recipe: Recipe, compute: Pick<Compute, "device">): Recipe {
  const { model } = settleEncoder(recipe, compute);
  return { ...recipe, model: { ...model, resnetWeights: resnetWeightsOf(recipe) } };
}

/** As `settleModel`, of the SAM encoder alone: for who has no use for the rest. */
export function settleEncoder(recipe: Recipe, { device }: Pick<Compute, "device">): Recipe {
  const { model } = recipe;
  const usual = ownRecipeOf(recipe).usualEncoder ?? (device === "cpu" ? "mobile-sam" : "sam-vit-h");
  const encoder = model.encoder !== "auto" ? model.encoder : usual;
  if (model.encoderWeights !== "auto") return { ...recipe, model: { ...model, encoder } };
  const isNamed = encoder === "none" || isEncoderName(encoder);
  const encoderWeights = isPretrained(encoder)
    ? publishedWeights(encoder, "model.encoderWeights")
    : isNamed
      ? null
      : encoder;
  return { ...recipe, model: { ...model, encoder, encoderWeights } };
}

/** A file, or null for random weights. */
function resnetWeightsOf(recipe: Recipe): string | null {
  const { resnet, resnetWeights } = recipe.model;
  const named = resnetWeights === "auto" ? (ownRecipeOf(recipe).usualResnetWeights?.[resnet] ?? null) : resnetWeights;
  return named !== null && resnetFileNames.includes(named) ? publishedWeights(named, "model.resnetWeights") : named;
}

function publishedWeights(name: string, key: "model.encoderWeights" | "model.resnetWeights"): string {
  try {
    return requireCachedFile(name);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const todo = `${error.parts.todo ?? ""} Or set ${key} to a file, or to null for random weights.`;
    throw new Problem({ ...error.parts, what: `recipe key ${key}: ${error.parts.what}`, todo }, { cause: error });
  }
}

/**
 * Builds the network that a recipe describes, where `encoder: auto` is the paper's.
 * @param options.embeddingOnly leaves the encoder out
 */
export function networkOf(recipe: Recipe, classes: ClassTable, { embeddingOnly = false } = {}): Segmenter {
  const { model } = recipe;
  const numClasses = model.numClasses === "auto" ? classes.names.length : model.numClasses;
  const usual = ownRecipeOf(recipe).usualEncoder ?? paperConfig.encoder;
  const encoder = model.encoder === "auto" ? usual : model.encoder;
  const { encoderTrained, adapter, adapterDim } = model;
  const encoderLoaded = model.encoderWeights !== null && model.encoderWeights !== "auto";
  const encoderUse = { encoder, encoderTrained, adapter, adapterDim, encoderLoaded, embeddingOnly };
  return systemOf(recipe).build(recipe, { numClasses, encoderUse });
}

/** @throws Problem where a recipe counts other classes than the data set has */
export function checkClasses({ model, loss }: Recipe, { name, classes }: Pick<Dataset, "name" | "classes">): void {
  const count = classes.names.length;
  const refuse = (what: string, found: string, todo: string): never => {
    throw new Problem({
      what,
      found,
      expected: `${count}, as ${name} has classes (${classes.names.join(", ")})`,
      todo,
    });
  };
  if (model.numClasses !== "auto" && model.numClasses !== count)
    refuse("recipe key model.numClasses", `${model.numClasses}`, "Leave it at auto, which takes the data set's.");
  if (Array.isArray(loss.classWeights) && loss.classWeights.length !== count)
    refuse("recipe key loss.classWeights", `${loss.classWeights.length} weights`, "Give one a class, in that order.");
}

/** A network as the recipe describes it, with first weights by the default generator, and the published weights that it names. @param settled by `settleModel` */
export function buildNetwork(
  settled: Recipe,
  classes: ClassTable,
  options: { readonly embeddingOnly?: boolean } = {},
): Segmenter {
  const network = networkOf(settled, classes, options);
  const { encoderWeights } = settled.model;
  if (encoderWeights) loadEncoder(network, encoderWeights);
  systemOf(settled).loadWeights?.(network, settled);
  return network;
}

/** The network of a recipe without first weights, in evaluation mode once `load` has filled it; where that fails, its memory is freed. */
export function loadedNetwork(recipe: Recipe, classes: ClassTable, load: (network: Segmenter) => void): Segmenter {
  const network = nn.init.skipInit(() => networkOf(recipe, classes));
  try {
    load(network);
  } catch (error) {
    network.dispose();
    throw error;
  }
  network.eval();
  return network;
}

/** How many parameters train and how many stay, those of an encoder that was left out of the network among them. */
export function parameterCounts(network: Segmenter, recipe: Recipe): { trained: number; frozen: number } {
  const { trained, frozen } = network.parameterCount();
  const { encoder: name } = recipe.model;
  if (network.samEncoder || name === "none" || ownRecipeOf(recipe).whyNotStored) return { trained, frozen };
  const encoder = withDevice("meta", () => nn.init.skipInit(() => scope(() => buildEncoder(name))));
  const leftOut = encoder.parameterCount();
  encoder.dispose();
  return { trained, frozen: frozen + leftOut.trained + leftOut.frozen };
}

/** Reads SAM's image encoder out of a published checkpoint of the whole of SAM, or of the encoder alone; adapters are not in it. */
export function loadEncoder(network: Segmenter, path: string): void {
  if (network.samEncoder) loadEncoderWeights(network.samEncoder, path, { optional: isAdapterName });
}
