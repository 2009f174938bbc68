import type { Tensor } from "@adsam/torch";
import { filled } from "./helpers.js";

/** bool, a share of `zerosShare` false. */
export const distanceMask = (shape: readonly number[], zerosShare: number): Tensor =>
  filled("mask", shape, { lo: 0 }).ge(zerosShare);

/** From one pixel to rows and columns longer than any stretch of a kernel, from few zeros to none and nothing else; bool, and bytes that are not 1. */
export const distanceMasks = (): Tensor[] =>
  (
    [
      [[1, 1, 1], 0.5],
      [[3, 7, 5], 0.1],
      [[2, 40, 33], 0.01],
      [[2, 65, 70], 0.0005],
      [[1, 1, 150], 0.03],
      [[2, 90, 1], 0.03],
      [[2, 3, 17, 64], 1],
      [[1, 20, 30], 0],
    ] as const
  ).flatMap(([shape, zerosShare]) => {
    const mask = distanceMask(shape, zerosShare);
    return [mask, mask.to({ dtype: "uint8" }).mul(7)];
  });
