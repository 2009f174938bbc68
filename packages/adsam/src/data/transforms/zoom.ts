import type { Size } from "../picture.js";
import type { TransformRecipe } from "./recipe.js";

/** Networks halve their input five times. */
const step = 32;

/** The recipe at `factor` times its sizes: those of what the network sees in multiples of 32, at least 32. A recipe without a size is itself. */
export function zoomed(recipe: TransformRecipe, factor: number): TransformRecipe {
  const { size, crop } = recipe;
  if (factor === 1 || !size) return recipe;
  return crop
    ? { ...recipe, size: mapSize(size, (side) => Math.max(1, Math.round(side * factor))), crop: mapSize(crop, whole) }
    : { ...recipe, size: mapSize(size, whole) };

  function whole(side: number): number {
    return Math.max(step, Math.round((side * factor) / step) * step);
  }
}

function mapSize({ height, width }: Size, change: (side: number) => number): Size {
  return { height: change(height), width: change(width) };
}
