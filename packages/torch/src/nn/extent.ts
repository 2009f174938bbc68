import type { Size } from "../tensor.js";

/** One number for both directions, or height and width. */
export type Extent = number | Size;

/** [height, width], the order of libtorch's lists. */
export function pair(extent: Extent): [number, number] {
  return typeof extent === "number" ? [extent, extent] : [extent.height, extent.width];
}
