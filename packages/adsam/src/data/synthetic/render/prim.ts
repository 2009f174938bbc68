import type { Material } from "../materials/surface.js";

/** What a cut-out primitive is at a place: a hole, solid, or a screen door, which hides a third of what is behind it. */
export const hole = 0;
export const solid = 1;
export const screenDoor = 2;

/** Asked in the primitive's own coordinates, metres along its two axes. */
export type Cutout = (at: { readonly u: number; readonly v: number }) => number;

/** How a flat primitive pretends to be round when it is lit. */
export type Roundness = "flat" | "cylinder" | "ball";

/**
 * A flat convex polygon with a frame of its own: a point p has u = (p − origin)·uAxis, v = (p − origin)·vAxis.
 * Everything drawn is one of these; round things turn a polygon towards the camera.
 */
export interface Prim {
  /** Corners in order, x y z each. */
  readonly points: Float64Array;
  readonly origin: readonly [number, number, number];
  readonly uAxis: readonly [number, number, number];
  readonly vAxis: readonly [number, number, number];
  readonly normal: readonly [number, number, number];
  readonly material: Material;
  readonly labelId: number;
  readonly cutout: Cutout | undefined;
  readonly round: Roundness;
  /** Half width of a cylinder at v = 0 and its growth per metre of v; for a ball `roundCentre` is what it bulges from. */
  readonly radius: number;
  readonly radiusSlope: number;
  readonly roundCentre: readonly [number, number, number] | undefined;
  /** Whether it throws a shadow. */
  readonly casts: boolean;
}
