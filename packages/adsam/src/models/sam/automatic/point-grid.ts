import { Problem } from "@adsam/torch/problem";

/** A point of a picture, [x, y], each from 0 at its left or upper edge to 1 at the other. */
export type RelativePoint = readonly [x: number, y: number];
export type PointGrid = readonly RelativePoint[];

/** The middles of perSide · perSide equal cells, row by row. */
export function pointGrid(perSide: number): PointGrid {
  const first = 1 / (2 * perSide);
  const last = 1 - first;
  // The numbers of NumPy's linspace, to the bit: its last one is put there, not computed.
  const step = (last - first) / (perSide - 1);
  const at = (i: number): number => (i === 0 ? first : i === perSide - 1 ? last : i * step + first);
  const side = Array.from({ length: perSide }, (_, i) => at(i));
  return side.flatMap((y) => side.map((x): RelativePoint => [x, y]));
}

/**
 * A grid for the picture and one for each layer of crops; each layer's side has the one before's divided by `downscale`, rounded down.
 * @param layers of crops, without the picture itself
 * @throws Problem where a layer is left without a point
 */
export function pointGridsByLayer(perSide: number, layers: number, downscale: number): PointGrid[] {
  return Array.from({ length: layers + 1 }, (_, layer) => {
    const points = Math.floor(perSide / downscale ** layer);
    if (points < 1)
      throw new Problem({
        what: "automatic masks",
        found: `pointsPerSide ${perSide}, cropNPointsDownscaleFactor ${downscale}: no point in crop layer ${layer}`,
        expected: `at least ${downscale ** layer} points a side`,
        todo: "Take more points, fewer layers or a smaller factor.",
      });
    return pointGrid(points);
  });
}
