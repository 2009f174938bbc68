import path from "node:path";
import { Problem } from "@adsam/torch";
import { distinctColour } from "../data/folder.js";
import { type ClassTable, cityscapesClasses, IGNORE } from "../data/labels.js";
import { isEncoderName } from "../models/encoder-names.js";
import { encoderConfig } from "../models/encoders.js";
import { type AdSamSizes, adSamSizesOf } from "../models/published/ad-sam-config.js";
import { encoderOf, encoderTitle } from "../models/published/encoder-config.js";
import { PublishedFile } from "../models/published/published-file.js";
import type { Segmenter } from "../models/segmenter.js";
import { loadAdSamWeights } from "../models/weights.js";
import { requireCachedFile } from "../weights/cache.js";
import type { CheckpointHeader } from "./checkpoint.js";
import { loadEncoder, loadedNetwork } from "./network.js";
import { type Recipe, resolveRecipe } from "./recipe.js";

export interface PublishedNetworkOptions {
  /** A file with the frozen SAM encoder that the network was trained on. By default ViT-H as `adsam weights` fetched it: the authors'. */
  readonly encoderWeights?: string;
}

/** The width of SAM's embedding: of ViT-B, -L and -H alike, and of MobileSAM. The authors used ViT-H. */
const samWidth = 256;

/**
 * What is known of AD-SAM in a file that `adsam train` did not write, the authors' training checkpoint above all: the network by its tensors'
 * shapes, Cityscapes' classes where there are 19 (the authors' data sets, Cityscapes and BDD100K, have no others), numbered ones otherwise. Its
 * training is not known: the recipe says the paper's defaults there. Where the encoder is to be looked for in the cache, `encoderWeights` is "auto".
 * @throws Problem for a file that holds no AD-SAM, or one that is built otherwise, and where its encoder is open
 */
export function publishedHeader(file: string, { encoderWeights }: PublishedNetworkOptions = {}): CheckpointHeader {
  const { sizes, holdsEncoder } = look(file);
  const { samChannels, ...model } = sizes;
  const flags = { ...model, ...encoderFlags(file, samChannels, holdsEncoder, encoderWeights) };
  const paths = Object.entries(flags).map(([key, value]) => [`model.${key}`, value] as const);
  const { recipe } = resolveRecipe({
    flags: Object.fromEntries(paths),
    spelled: Object.fromEntries(paths.map(([key]) => [key, `checkpoint "${file}", ${key}`])),
  });
  return { recipe, classes: classesOf(model.numClasses), progress: null };
}

/**
 * The network of `publishedHeader`, every tensor of it loaded: ready for prediction. Where its frozen encoder comes from stands in the recipe.
 * @throws Problem as `publishedHeader`; where the encoder's file is missing; and where a tensor is missing, unexpected or of another shape
 */
export function loadPublishedNetwork(
  file: string,
  options: PublishedNetworkOptions = {},
): CheckpointHeader & { readonly network: Segmenter } {
  const header = publishedHeader(file, options);
  const recipe = withEncoderFile(header.recipe, file);
  const network = loadedNetwork(recipe, header.classes, (empty) => {
    const { encoder: isLoaded } = loadAdSamWeights(empty, file);
    if (!isLoaded && recipe.model.encoderWeights !== null) loadEncoder(empty, recipe.model.encoderWeights);
  });
  return { ...header, recipe, network };
}

/** Reads names and shapes only. */
function look(file: string): { readonly sizes: AdSamSizes; readonly holdsEncoder: boolean } {
  using published = openPublished(file);
  const what = `checkpoint "${file}" (${published.title})`;
  return {
    sizes: adSamSizesOf(published.part("ad-sam").tensors, what),
    holdsEncoder: published.parts.includes("encoder"),
  };
}

function openPublished(file: string): PublishedFile {
  try {
    const published = new PublishedFile(file, { verify: false }); // loading verifies
    if (published.parts.includes("ad-sam")) return published;
    const found = published.title;
    published[Symbol.dispose]();
    throw new Problem({ what: `checkpoint "${file}"`, found });
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { what, found } = error.parts;
    const expected = "a checkpoint that `adsam train` wrote, or AD-SAM's weights as its authors save them";
    const todo = "Give a run's best.pth or last.pth, or the authors' training checkpoint.";
    throw new Problem({ what, ...(found !== undefined && { found }), expected, todo }, { cause: error });
  }
}

/** The encoder that the recipe names, and where its weights are. */
function encoderFlags(
  file: string,
  samChannels: number,
  holdsEncoder: boolean,
  given: string | undefined,
): { readonly encoder: string; readonly encoderWeights: string | null } {
  const what = `checkpoint "${file}"`;
  if (given !== undefined && (holdsEncoder || samChannels === 0))
    throw new Problem({
      what: `--encoder-weights "${given}"`,
      found: `${holdsEncoder ? "SAM's encoder in" : "a network without SAM's embedding in"} ${what}`,
      expected: "one that leaves its encoder to another file",
      todo: "Leave --encoder-weights out.",
    });
  if (holdsEncoder) return { encoder: specOf(file, samChannels, what), encoderWeights: null };
  if (samChannels === 0) return { encoder: "none", encoderWeights: null };
  if (given !== undefined)
    return { encoder: specOf(given, samChannels, `--encoder-weights "${given}"`), encoderWeights: path.resolve(given) };
  if (samChannels === samWidth) return { encoder: "sam-vit-h", encoderWeights: "auto" };
  throw new Problem({
    what,
    found: `a network on an embedding of ${samChannels} channels, and no encoder`,
    expected: `${samWidth} channels, as the authors' ViT-H has`,
    todo: "Name the encoder's checkpoint with --encoder-weights.",
  });
}

/** The encoder in a file: by its name where it has one, otherwise by the file, whose shapes tell its sizes. */
function specOf(file: string, samChannels: number, what: string): string {
  const title = encoderTitle(encoderOf(file));
  const spec = isEncoderName(title) ? title : path.resolve(file);
  const { outChans } = encoderConfig(spec);
  if (outChans === samChannels) return spec;
  throw new Problem({
    what,
    found: `an encoder (${title}) whose embedding has ${outChans} channels`,
    expected: `${samChannels}, as the network takes them`,
    todo: "Give the encoder that the network was trained on.",
  });
}

/** "auto" settled: the published file in the cache. */
function withEncoderFile(recipe: Recipe, file: string): Recipe {
  const { model } = recipe;
  if (model.encoderWeights !== "auto") return recipe;
  try {
    return { ...recipe, model: { ...model, encoderWeights: requireCachedFile(model.encoder) } };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    const { what, todo } = error.parts;
    const open = `checkpoint "${file}" leaves out the frozen encoder it was trained on: ${what}`;
    const or = "Or name a file that holds it with --encoder-weights.";
    throw new Problem({ ...error.parts, what: open, todo: `${todo ?? ""} ${or}`.trim() }, { cause: error });
  }
}

function classesOf(count: number): ClassTable {
  if (count === cityscapesClasses.names.length) return cityscapesClasses;
  const places = [...Array(count).keys()];
  return { names: places.map((k) => `class ${k}`), colours: places.map(distinctColour), ignoreIndex: IGNORE };
}
