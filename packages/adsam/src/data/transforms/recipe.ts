/** What happens to a sample between its files and the network, described by plain data. */
import { Problem } from "@adsam/torch/problem";
import type { LoadedSample } from "../load-sample.js";
import { type LabelMap, type Picture, type Size, sameSize } from "../picture.js";
import type { Random } from "../random.js";
import { type Jitter, jitterColours } from "./colour.js";
import { type Corner, cropLabel, cropPicture, mirrorLabel, mirrorPicture } from "./geometry.js";
import { resizeBilinear, resizeNearest } from "./resize.js";
import { rotateLabel, rotatePicture } from "./rotate.js";

/** Carried out in the order of its fields: resize (once, to `size` times the scale drawn), crop, rotate, mirror, jitter. */
export interface TransformRecipe {
  /** The aspect is not kept. `null`: the picture's own size. */
  readonly size: Size | null;
  /** A factor on the size, uniform between the two. */
  readonly scale: readonly [low: number, high: number] | null;
  /** A window at a random place; beyond the picture's edge stand the mean colour and ignored pixels. */
  readonly crop: Size | null;
  /** Degrees by which the picture is turned about its middle at most, either way; the corners that this uncovers are as beyond the edge. */
  readonly rotate?: number;
  /** Probability of the mirror image, 0…1. */
  readonly mirror: number;
  readonly jitter: Jitter | null;
}

/** The paper's training pictures: resized to a square, mirrored half of the time. */
export const paperTransforms = (size: Size): TransformRecipe => ({
  size,
  scale: null,
  crop: null,
  mirror: 0.5,
  jitter: null,
});

/** Evaluation: resized, nothing random. */
export const evaluationTransforms = (size: Size): TransformRecipe => ({ ...paperTransforms(size), mirror: 0 });

export interface TransformedSample {
  readonly picture: Picture;
  readonly label?: LabelMap;
  /** Whether this is the mirror image; an embedding cached for the picture has a twin for it. */
  readonly mirrored: boolean;
}

/** @throws Problem for a recipe with impossible numbers, naming the key. */
export function checkRecipe({ size, scale, crop, rotate = 0, mirror, jitter }: TransformRecipe): void {
  const refuse = (key: string, found: unknown, expected: string): never => {
    throw new Problem({ what: `transform "${key}"`, found: JSON.stringify(found), expected });
  };
  for (const [key, value] of Object.entries({ size, crop }))
    if (
      value &&
      !(Number.isInteger(value.height) && Number.isInteger(value.width) && value.height > 0 && value.width > 0)
    )
      refuse(key, value, "a height and a width, integers above 0");
  if (scale && !(scale[0] > 0 && scale[1] >= scale[0] && Number.isFinite(scale[1])))
    refuse("scale", scale, "two factors above 0, the smaller first");
  if (scale && !crop) refuse("crop", crop, "a size, because pictures of random scale do not fit into one batch");
  if (!(rotate >= 0 && rotate <= 180)) refuse("rotate", rotate, "degrees, 0 to 180");
  if (!(mirror >= 0 && mirror <= 1)) refuse("mirror", mirror, "a probability, 0 to 1");
  for (const [key, value] of Object.entries(jitter ?? {}))
    if (!(value >= 0 && Number.isFinite(value))) refuse(`jitter.${key}`, value, "a strength of 0 or more");
}

/**
 * The recipe carried out. Every draw is made whatever the picture, so a sample depends on the recipe and the generator alone.
 * @param random one generator for this sample in this epoch.
 */
export function applyTransforms(
  { picture, label }: Pick<LoadedSample, "picture" | "label">,
  recipe: TransformRecipe,
  random: Random,
): TransformedSample {
  const factor = recipe.scale ? random.range(...recipe.scale) : 1;
  const base = recipe.size ?? picture.size;
  const size = {
    height: Math.max(1, Math.round(base.height * factor)),
    width: Math.max(1, Math.round(base.width * factor)),
  };
  picture = resizeBilinear(picture, size);
  label = label && resizeNearest(label, size);
  if (recipe.crop) {
    const corner = randomCorner(size, recipe.crop, random);
    if (!sameSize(size, recipe.crop)) {
      picture = cropPicture(picture, corner, recipe.crop);
      label = label && cropLabel(label, corner, recipe.crop);
    }
  }
  if (recipe.rotate) {
    const degrees = random.range(-recipe.rotate, recipe.rotate);
    picture = rotatePicture(picture, degrees);
    label = label && rotateLabel(label, degrees);
  }
  const mirrored = random.chance(recipe.mirror);
  if (mirrored) {
    picture = mirrorPicture(picture);
    label = label && mirrorLabel(label);
  }
  if (recipe.jitter) picture = jitterColours(picture, recipe.jitter, random);
  return label ? { picture, label, mirrored } : { picture, mirrored };
}

/** Anywhere that the window lies within the picture, or, along an axis on which the picture is smaller, the picture within the window. */
function randomCorner(picture: Size, window: Size, random: Random): Corner {
  const along = (have: number, want: number): number =>
    Math.min(0, have - want) + random.below(Math.abs(have - want) + 1);
  const top = along(picture.height, window.height);
  return { top, left: along(picture.width, window.width) };
}
