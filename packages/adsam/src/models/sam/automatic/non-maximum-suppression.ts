import { Problem } from "@adsam/torch/problem";
import type { Box } from "./boxes.js";

/**
 * Greedy non-maximum suppression, with the numbers of torchvision's `nms` (and `batched_nms` of one category) in float32: from the highest
 * score down, a box is dropped where one that was kept overlaps it by more than the threshold. Of equal scores the first comes first
 * (`batched_nms` leaves that open beyond 1000 boxes). Boxes without area suppress nothing.
 * @param iouThreshold intersection over union, 0…1
 * @returns the places of the boxes kept, by descending score
 */
export function nonMaximumSuppression(
  boxes: readonly Box[],
  scores: readonly number[],
  iouThreshold: number,
): number[] {
  if (boxes.length !== scores.length)
    throw new Problem({
      what: "non-maximum suppression",
      found: `${boxes.length} boxes and ${scores.length} scores`,
      expected: "one score a box",
    });
  const order = [...boxes.keys()].sort((a, b) => compareDescending(scores[a]!, scores[b]!) || a - b);
  const corners = Float32Array.from(order.flatMap((place) => boxes[place]!));
  const suppressed = new Uint8Array(order.length);
  for (let i = 0; i < order.length; i++)
    if (!suppressed[i])
      for (let j = i + 1; j < order.length; j++)
        if (!suppressed[j] && overlap(corners, 4 * i, 4 * j) > iouThreshold) suppressed[j] = 1;
  return order.filter((_, i) => !suppressed[i]);
}

/** As torch's `sort` does it: no number is greater than any number. */
function compareDescending(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(b)) - Number(Number.isNaN(a));
  return b - a;
}

const { fround, max, min } = Math;

/** Intersection over union of two boxes, each step rounded to float32; NaN where neither has an area. */
function overlap(corners: Float32Array, a: number, b: number): number {
  const width = fround(min(corners[a + 2]!, corners[b + 2]!) - max(corners[a]!, corners[b]!));
  const height = fround(min(corners[a + 3]!, corners[b + 3]!) - max(corners[a + 1]!, corners[b + 1]!));
  const intersection = fround(max(0, width) * max(0, height));
  return fround(intersection / fround(fround(area(corners, a) + area(corners, b)) - intersection));
}

function area(corners: Float32Array, at: number): number {
  const width = fround(corners[at + 2]! - corners[at]!);
  const height = fround(corners[at + 3]! - corners[at + 1]!);
  return fround(width * height);
}
