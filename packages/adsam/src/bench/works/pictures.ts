import { Problem } from "@adsam/torch/problem";
import { DataLoader } from "../../data/loader.js";
import { openDataset } from "../../data/open.js";
import { paperRecipe } from "../../train/recipe.js";
import { trainTransforms } from "../../train/transforms.js";
import type { Order } from "../order.js";
import type { Work } from "./work.js";

/**
 * Training pictures with their labels as the paper's recipe wants them: read, decoded, resized, mirrored half of the time, normalised;
 * one worker a thread. A turn is an epoch, its time that of one picture.
 */
export async function picturesWork({ folder, resized, threads, width, height }: Order): Promise<Work> {
  if (folder === undefined || resized === undefined)
    throw new Problem({ what: "the work pictures", found: "no folder", expected: "one, and a size" });
  const dataset = await openDataset({ kind: "cityscapes", root: folder, split: "train" });
  const recipe = { ...trainTransforms(paperRecipe()), size: { height: resized, width: resized } };
  const loader = new DataLoader({ dataset, recipe, batchSize: 1, mode: "training", seed: 1, workers: threads });
  const count = dataset.samples.length;
  let epoch = 0;
  return {
    // The decoded picture and label are written and read, the resized ones too, the normalised one written: no arithmetic to speak of.
    needs: [
      { name: "picture", phase: "total", flops: 0, bytes: 2 * 4 * (width * height + resized ** 2) + 12 * resized ** 2 },
    ],
    async run(turn) {
      epoch += 1;
      await turn.waiting("total", 1 / count, async () => {
        for await (const _ of loader.epoch(epoch, { reuse: true })) void _; // as training asks for them
      });
      return undefined;
    },
    async output() {
      await using mirrored = new DataLoader({
        dataset,
        recipe: { ...recipe, mirror: 1 },
        batchSize: 1,
        mode: "evaluation",
        seed: 1,
        workers: 0,
      });
      for await (const { image, label } of mirrored.epoch(1))
        return { arrays: { picture: image, label: Float32Array.from(label) }, numbers: {} };
      throw new Error("a data set without pictures");
    },
    end: () => loader.close(),
  };
}
