/** What may be done beside one look of the network at a picture: looks at other sizes and at the mirror image, and a CRF over the answer. */
import type { DenseCrfOptions } from "@adsam/kernels";
import { Problem } from "@adsam/torch/problem";
import type { Size } from "../../data/picture.js";

export interface Refinement {
  /** Whether the network also looks at the mirror image. Default: no. */
  readonly mirror?: boolean;
  /** Sizes at which it looks, as shares of its input size. Default: 1 alone. */
  readonly scales?: readonly number[];
  /** A dense CRF over the probabilities, at the size where classes are decided. Default: none. */
  readonly crf?: DenseCrfOptions;
}

/** Sides of what a network sees are multiples of it (`SegmenterInput`). */
const inputStep = 32;

/** Beyond this the network would see more of a pixel than there is, or nothing. */
const scaleRange = [0.125, 8] as const;

/** Whether the network looks more than once. */
export const looksAgain = ({ mirror = false, scales = [1] }: Refinement): boolean =>
  mirror || scales.length !== 1 || scales[0] !== 1;

/** Whether anything is done beside one look. */
export const refines = (refinement: Refinement | undefined): refinement is Refinement =>
  refinement !== undefined && (looksAgain(refinement) || refinement.crf !== undefined);

/**
 * The network's input sizes, one a scale: each side rounded to a multiple of 32.
 * @throws Problem for no scale, one that is no number or far off, and two that come to the same size
 */
export function viewSizes(input: Size, scales: readonly number[] = [1]): Size[] {
  const what = "--tta-scales";
  const [least, most] = scaleRange;
  if (scales.length === 0) throw new Problem({ what, found: "no scale", expected: "one or more, such as 0.75,1,1.25" });
  for (const scale of scales)
    if (!(scale >= least && scale <= most))
      throw new Problem({ what, found: String(scale), expected: `${least} to ${most}` });
  const side = (length: number, scale: number): number =>
    Math.max(inputStep, Math.round((length * scale) / inputStep) * inputStep);
  const sizes = scales.map((scale) => ({ height: side(input.height, scale), width: side(input.width, scale) }));
  const names = sizes.map(({ height, width }) => `${height}×${width}`);
  const twice = names.findIndex((name, i) => names.indexOf(name) < i);
  if (twice >= 0)
    throw new Problem({
      what,
      found: `${scales[names.indexOf(names[twice]!)]} and ${scales[twice]}, both ${names[twice]} (height×width)`,
      expected: `scales of ${input.height}×${input.width} that differ once sides are multiples of ${inputStep}`,
      todo: "Leave one of them out.",
    });
  return sizes;
}
