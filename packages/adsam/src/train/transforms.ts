import type { TransformRecipe } from "../data/transforms/recipe.js";
import type { Recipe } from "./recipe-schema.js";

/**
 * The factor on a recipe's sizes when `share` of the run is over: `augment.grow`, a straight line. A network learns coarse things first, and
 * of small pictures it sees many more in the same time.
 */
export function zoomAt({ augment: { grow } }: Recipe, share: number): number {
  if (!grow || share >= grow.until!) return 1;
  return grow.from! + (1 - grow.from!) * (share / grow.until!);
}

/** What random changes a recipe wants of training pictures. */
export function trainTransforms({ input, augment }: Recipe): TransformRecipe {
  const { brightness = 0, contrast = 0, saturation = 0 } = augment.jitter ?? {};
  return {
    size: { height: input.height, width: input.width },
    scale: augment.scale && [augment.scale[0], augment.scale[1]],
    crop: augment.crop,
    rotate: augment.rotate,
    mirror: augment.mirror,
    jitter: augment.jitter && { brightness, contrast, saturation },
  };
}
