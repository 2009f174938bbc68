import { type Contours, noContour } from "./contour.js";

/**
 * How many contour pixels of each class have a contour pixel of the same class near them in the other map.
 *
 * Only contour pixels are asked, a few in a hundred, and each looks around itself from near to far: mostly it finds its partner within
 * a few steps. A distance transform a class and map would measure every pixel of the picture instead: 25 ms each at 2048×1024, some
 * thirty of them.
 * @param tolerance largest distance between pixel centres, Euclidean, in pixels; 0: the very same pixel
 * @returns float64 [numClasses]
 */
export function countMatched(from: Contours, to: Contours, tolerance: number, numClasses: number): Float64Array {
  const { height, width } = to.size;
  const reach = Math.min(Math.floor(tolerance), Math.max(height, width) - 1);
  const wide = width + 2 * reach; // a margin all around, so that no neighbour needs a check for the edge
  const padded = new Uint8Array(wide * (height + 2 * reach)).fill(noContour);
  for (let y = 0; y < height; y++) padded.set(to.map.subarray(y * width, (y + 1) * width), (y + reach) * wide + reach);
  const steps = stepsWithin(tolerance, reach, wide);
  const matched = new Float64Array(numClasses);
  for (const place of from.places) {
    const own = from.map[place]!;
    const y = Math.floor(place / width);
    const at = (y + reach) * wide + reach + place - y * width;
    for (let k = 0; k < steps.length; k++)
      if (padded[at + steps[k]!] === own) {
        matched[own]!++;
        break;
      }
  }
  return matched;
}

/** Contour pixels of each class, float64 [numClasses]. */
export function countContours({ map, places }: Contours, numClasses: number): Float64Array {
  const counts = new Float64Array(numClasses);
  for (const place of places) counts[map[place]!]!++;
  return counts;
}

/** Steps in a map of rows `wide` to all places within the tolerance, near ones first. */
function stepsWithin(tolerance: number, reach: number, wide: number): Int32Array {
  const found: { squared: number; step: number }[] = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++) {
      const squared = dy * dy + dx * dx;
      if (squared <= tolerance * tolerance) found.push({ squared, step: dy * wide + dx });
    }
  found.sort((a, b) => a.squared - b.squared);
  return Int32Array.from(found, ({ step }) => step);
}
