/** Several samples as one array each of pictures and labels, in the form that goes to the network. */
import { Problem } from "@adsam/torch/problem";
import type { Dataset } from "./dataset.js";
import { loadSample } from "./load-sample.js";
import { type LabelMap, pixels, type Size, sameSize, sizeText } from "./picture.js";
import { Random } from "./random.js";
import { imageNet, type Normalisation, normalise } from "./transforms/normalise.js";
import { applyTransforms, type TransformRecipe } from "./transforms/recipe.js";

export interface Batch {
  /** [B, 3, H, W], normalised. */
  readonly image: Float32Array;
  /** [B, H, W], train ids, 255 ignored; resized, cropped and mirrored with the picture. */
  readonly label: Uint8Array;
  /** H and W. */
  readonly size: Size;
  /** Places in the data set. */
  readonly indices: readonly number[];
  readonly ids: readonly string[];
  /** Which of them are mirror images. */
  readonly mirrored: readonly boolean[];
  /** Hashes of the pictures' files, where they were asked for. */
  readonly pictures?: readonly string[];
  /** Evaluation only: each label as it lies in its file, [H, W] at its own size, never mirrored. */
  readonly native?: readonly LabelMap[];
}

/** How samples become batches; plain data, so that it travels to worker threads. */
export interface BatchPlan {
  readonly dataset: Dataset;
  readonly recipe: TransformRecipe;
  readonly normalisation?: Normalisation;
  readonly seed: number;
  /** Whether the labels at their own resolution come along. */
  readonly native: boolean;
  /** Whether the hashes of the pictures' files come along. */
  readonly hashed: boolean;
}

/**
 * The batch of these samples in this epoch: a function of its arguments and the files alone.
 * @param spare a batch's `image` that nobody needs any more: written over and used again where it is as long as this batch's
 * @throws Problem for bad files (see `loadSample`), a sample without a label, and pictures that differ in size after the transforms.
 */
export async function makeBatch(
  plan: BatchPlan,
  epoch: number,
  indices: readonly number[],
  spare?: Float32Array,
): Promise<Batch> {
  const [ids, mirrored, native]: [string[], boolean[], LabelMap[]] = [[], [], []];
  const pictures: string[] = [];
  let image: Float32Array = new Float32Array(0);
  let label = new Uint8Array(0);
  let size: Size | undefined;
  for (const [place, index] of indices.entries()) {
    const loaded = await loadSample(plan.dataset, index, { hashed: plan.hashed });
    if (!loaded.label)
      throw new Problem({
        what: `picture "${plan.dataset.samples[index]!.imagePath}"`,
        found: "no label",
        expected: "one",
      });
    const sample = applyTransforms(loaded, plan.recipe, new Random("sample", plan.seed, epoch, index));
    if (!size) {
      size = sample.picture.size;
      const length = indices.length * 3 * pixels(size);
      image = spare?.length === length ? spare : new Float32Array(length);
      label = new Uint8Array(indices.length * pixels(size));
    } else if (!sameSize(size, sample.picture.size))
      throw new Problem({
        what: `batch of "${ids[0]}" and "${loaded.id}"`,
        found: `pictures of ${sizeText(size)} and ${sizeText(sample.picture.size)}`,
        expected: "one size",
        todo: "Give the recipe a size or a crop, or use batches of one.",
      });
    normalise(sample.picture, plan.normalisation ?? imageNet, image, place * 3 * pixels(size));
    label.set(sample.label!.data, place * pixels(size));
    ids.push(loaded.id);
    mirrored.push(sample.mirrored);
    native.push(loaded.label);
    if (loaded.contentHash !== undefined) pictures.push(loaded.contentHash);
  }
  if (!size) throw new Problem({ what: "batch", found: "no samples", expected: "at least one" });
  const batch = { image, label, size, indices: [...indices], ids, mirrored };
  return { ...batch, ...(plan.native && { native }), ...(plan.hashed && { pictures }) };
}

/** The buffers to hand over, not copy, when a batch changes threads. */
export function batchBuffers({ image, label, native = [] }: Batch): ArrayBuffer[] {
  return [image, label, ...native.map((map) => map.data)].map((array) => array.buffer as ArrayBuffer);
}
