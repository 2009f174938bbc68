/** Corners in pixels: left, top, right, bottom. */
export type Box = readonly [x0: number, y0: number, x1: number, y1: number];

/** Upper left corner, width and height in pixels. */
export type BoxXywh = readonly [x: number, y: number, width: number, height: number];

export const toXywh = ([x0, y0, x1, y1]: Box): BoxXywh => [x0, y0, x1 - x0, y1 - y0];

/** A box of a window in the coordinates of the whole picture. */
export const shifted = ([x0, y0, x1, y1]: Box, [dx, dy]: Box): Box => [x0 + dx, y0 + dy, x1 + dx, y1 + dy];

/** Pixels within which two edges count as one. */
const tolerance = 20;

/**
 * Whether an edge of a mask's box lies at the edge of the crop it was found in, but not at that of the picture: the object probably goes on
 * where the crop does not look.
 * @param box in the picture's coordinates
 */
export function nearCropEdge(box: Box, crop: Box, picture: Box): boolean {
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= tolerance;
  return box.some((edge, side) => near(edge, crop[side]!) && !near(edge, picture[side]!));
}
