import { type Dataset, requireLabels } from "../data/dataset.js";
import { readLabelIds } from "../data/label-png.js";
import { toTrainIds } from "../data/load-sample.js";
import type { Recipe } from "./recipe-schema.js";

/** Labels read at a time. */
const atOnce = 8;

/**
 * What `loss.classWeights: auto` stands for with these training labels. Settled before a run begins, so that its checkpoints name the
 * numbers and a resumed run has the same.
 * @throws Problem for labels that cannot be read
 */
export async function settleClassWeights(recipe: Recipe, train: Dataset): Promise<Recipe> {
  if (recipe.loss.classWeights !== "auto") return recipe;
  return { ...recipe, loss: { ...recipe.loss, classWeights: rarityWeights(await classPixels(train)) } };
}

/**
 * The square root of 1 / ln(1.02 + share of the class among the pixels that count), ENet's factor (Paszke et al. 2016, §5.2): 1.2 for a
 * class that is everywhere, 7 for one that is nowhere. ENet's own have rare classes seen where they are not: with them a network found 86 %
 * of the pedestrians' pixels, and of those that it called so four in five were others' (docs/results.md). Brought to mean 1 over the
 * classes that occur; one that does not, whose factor moves nothing, has 1.
 * @param pixels of each class
 * @returns factors, to four digits
 */
export function rarityWeights(pixels: readonly number[]): number[] {
  const all = pixels.reduce((sum, count) => sum + count, 0);
  const raw = pixels.map((count) => 1 / Math.sqrt(Math.log(1.02 + count / Math.max(1, all))));
  const occurring = raw.filter((_, id) => pixels[id]! > 0);
  const mean = occurring.reduce((sum, weight) => sum + weight, 0) / Math.max(1, occurring.length);
  return raw.map((weight, id) => (pixels[id]! > 0 ? Number((weight / mean).toPrecision(4)) : 1));
}

/** By train id; labels at their own size. */
async function classPixels(dataset: Dataset): Promise<number[]> {
  requireLabels(dataset);
  const counts = new Float64Array(256);
  const files = dataset.samples.map(({ labelPath }) => labelPath!);
  for (let first = 0; first < files.length; first += atOnce) {
    const group = files.slice(first, first + atOnce);
    const labels = await Promise.all(
      group.map(async (file) => toTrainIds((await readLabelIds(file)).data, dataset, file)),
    );
    for (const label of labels) for (const id of label) counts[id]!++;
  }
  return dataset.classes.names.map((_, id) => counts[id]!);
}
