import type { TransformRecipe } from "../data/transforms/recipe.js";
import type { Recipe } from "./recipe-schema.js";

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
