import type { Camera } from "./camera.js";
import { type Prim, screenDoor } from "./prim.js";
import { dot, minus, type Point } from "./vector.js";

/** Samples a pixel side; odd, so that the middle sample lies on the pixel's centre and the label there is exact. */
export const samplesPerSide = 3;

/** What a sample shows when no primitive covers it. */
export const groundId = -1;
export const skyId = -2;

const nearPlane = 0.15;
/** Sub-samples of a pixel that a screen door hides: the centre and two more, so it is labelled but mostly seen through. */
const doorPattern = [false, false, true, false, true, false, true, false, false];

/** A primitive on the screen, in sample units, with depth and coordinates as linear functions of the screen. */
export interface Projected {
  readonly index: number;
  readonly prim: Prim;
  readonly xs: Float64Array;
  readonly ys: Float64Array;
  readonly top: number;
  readonly bottom: number;
  readonly nearest: number;
  /** 1/depth = inverse[0]·x + inverse[1]·y + inverse[2]. */
  readonly inverse: readonly [number, number, number];
  readonly coordinates: PlaneCoordinates;
}

/** Projects, clips at the near plane and drops what is outside; nearest first, so that hidden samples are refused early. */
export function projectAll(
  prims: readonly Prim[],
  camera: Camera,
  size: { width: number; height: number },
): Projected[] {
  const projected: Projected[] = [];
  prims.forEach((prim, index) => {
    const one = project(prim, index, camera, size);
    if (one) projected.push(one);
  });
  return projected.sort((a, b) => a.nearest - b.nearest || a.index - b.index);
}

const scratch = { camera: new Float64Array(3 * 16), point: new Float64Array(3) };

function project(
  prim: Prim,
  index: number,
  camera: Camera,
  size: { width: number; height: number },
): Projected | undefined {
  const { points } = prim;
  const { camera: cam, point } = scratch;
  let nearest = Number.POSITIVE_INFINITY;
  let farthest = 0;
  for (let i = 0; i < points.length; i += 3) {
    camera.toCamera(points[i]!, points[i + 1]!, points[i + 2]!, point);
    cam.set(point, i);
    nearest = Math.min(nearest, point[2]!);
    farthest = Math.max(farthest, point[2]!);
  }
  if (farthest <= nearPlane) return undefined;
  const corners = nearest > nearPlane ? cam.subarray(0, points.length) : clipNear(cam.subarray(0, points.length));
  const { focalPixels, centreX, centreY } = camera;
  const limits = { left: Number.POSITIVE_INFINITY, right: 0, top: Number.POSITIVE_INFINITY, bottom: 0 };
  for (let i = 0; i < corners.length; i += 3) {
    const x = ((corners[i]! / corners[i + 2]!) * focalPixels + centreX) * samplesPerSide;
    const y = ((corners[i + 1]! / corners[i + 2]!) * focalPixels + centreY) * samplesPerSide;
    corners[i] = x;
    corners[i + 1] = y;
    limits.left = Math.min(limits.left, x);
    limits.right = Math.max(limits.right, x);
    limits.top = Math.min(limits.top, y);
    limits.bottom = Math.max(limits.bottom, y);
  }
  const { left, right, top, bottom } = limits;
  if (right <= 0 || bottom <= 0 || left > size.width * samplesPerSide || top > size.height * samplesPerSide) {
    return undefined;
  }
  const [a, b, c] = linear(prim.normal, camera);
  const { normal, origin } = prim;
  const [ex, ey, ez] = camera.position;
  const distance = normal[0] * (origin[0] - ex) + normal[1] * (origin[1] - ey) + normal[2] * (origin[2] - ez);
  if (Math.abs(distance) < 1e-6) return undefined;
  const xs = Float64Array.from({ length: corners.length / 3 }, (_, i) => corners[i * 3]!);
  const ys = Float64Array.from({ length: corners.length / 3 }, (_, i) => corners[i * 3 + 1]!);
  const inverse = [a / distance, b / distance, c / distance] as const;
  const coordinates = new PlaneCoordinates(prim, camera);
  return { index, prim, xs, ys, top, bottom, nearest: Math.max(nearest, nearPlane), inverse, coordinates };
}

function clipNear(cam: Float64Array): Float64Array {
  const kept: number[] = [];
  const n = cam.length / 3;
  for (let i = 0; i < n; i++) {
    const [x0, y0, z0] = [cam[i * 3]!, cam[i * 3 + 1]!, cam[i * 3 + 2]!];
    const j = (i + 1) % n;
    const [x1, y1, z1] = [cam[j * 3]!, cam[j * 3 + 1]!, cam[j * 3 + 2]!];
    if (z0 > nearPlane) kept.push(x0, y0, z0);
    if (z0 > nearPlane !== z1 > nearPlane) {
      const t = (nearPlane - z0) / (z1 - z0);
      kept.push(x0 + (x1 - x0) * t, y0 + (y1 - y0) * t, nearPlane);
    }
  }
  return Float64Array.from(kept);
}

/** A band of sample rows: which primitive is seen, and how far away. */
export class Strip {
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
  /** Index into the stage's primitives, or `groundId`, `skyId`. */
  readonly ids: Int32Array;
  readonly inverseDepth: Float32Array;

  constructor(firstRow: number, rows: number, columns: number) {
    this.firstRow = firstRow;
    this.rows = rows;
    this.columns = columns;
    this.ids = new Int32Array(rows * columns);
    this.inverseDepth = new Float32Array(rows * columns);
  }

  /** Everything below the horizon is the ground plane, everything above it sky. */
  clear(camera: Camera): void {
    const scale = 1 / (camera.focalPixels * samplesPerSide);
    for (let row = 0; row < this.rows; row++) {
      const b = (this.firstRow + row + 0.5 - camera.centreY * samplesPerSide) * scale;
      for (let column = 0; column < this.columns; column++) {
        const a = (column + 0.5 - camera.centreX * samplesPerSide) * scale;
        const fall = -(camera.forward[2] + a * camera.right[2] + b * camera.down[2]) / camera.position[2];
        const at = row * this.columns + column;
        this.ids[at] = fall > 0 ? groundId : skyId;
        this.inverseDepth[at] = fall > 0 ? fall : 0;
      }
    }
  }

  draw(shape: Projected): void {
    const { xs, ys, inverse, prim, index, coordinates } = shape;
    const { cutout } = prim;
    const first = Math.max(0, Math.ceil(shape.top - 0.5) - this.firstRow);
    const last = Math.min(this.rows - 1, Math.floor(shape.bottom - 0.5) - this.firstRow);
    const thickness = bulgeDepth(prim);
    for (let row = first; row <= last; row++) {
      const y = this.firstRow + row + 0.5;
      let left = Number.POSITIVE_INFINITY;
      let right = Number.NEGATIVE_INFINITY;
      for (let i = 0, j = xs.length - 1; i < xs.length; j = i++) {
        const y0 = ys[j]!;
        const y1 = ys[i]!;
        if (y0 <= y === y1 <= y) continue;
        const x = xs[j]! + ((y - y0) / (y1 - y0)) * (xs[i]! - xs[j]!);
        if (x < left) left = x;
        if (x > right) right = x;
      }
      const from = Math.max(0, Math.ceil(left - 0.5));
      const to = Math.min(this.columns - 1, Math.floor(right - 0.5));
      const rowInverse = inverse[1] * y + inverse[2];
      for (let column = from, at = row * this.columns + from; column <= to; column++, at++) {
        let inverseDepth = inverse[0] * (column + 0.5) + rowInverse;
        if (cutout) {
          const depth = 1 / inverseDepth;
          if (1 / Math.max(nearPlane, depth - thickness) <= this.inverseDepth[at]!) continue;
          coordinates.locate(column + 0.5, y, depth);
          const cover = cutout(coordinates);
          if (cover === 0) continue;
          if (cover === screenDoor && !doorPattern[((this.firstRow + row) % 3) * 3 + (column % 3)]) continue;
          if (thickness > 0) inverseDepth = 1 / Math.max(nearPlane, depth - bulge(prim, coordinates));
        }
        if (inverseDepth <= this.inverseDepth[at]!) continue;
        this.inverseDepth[at] = inverseDepth;
        this.ids[at] = index;
      }
    }
  }
}

/** How far a round primitive comes out of its plane at most, metres. */
function bulgeDepth({ round, radius, radiusSlope, points }: Prim): number {
  if (round === "flat") return 0;
  if (round === "ball") return radius;
  const length = Math.hypot(points[6]! - points[3]!, points[7]! - points[4]!, points[8]! - points[5]!);
  return Math.max(radius, radius + radiusSlope * length);
}

/** And at a place: limbs that cross do so as sticks and balls, not as sheets. */
function bulge({ round, radius, radiusSlope, roundCentre }: Prim, { u, v }: PlaneCoordinates): number {
  if (round === "ball") {
    const height = Math.sqrt(Math.max(0, radius * radius - u * u - v * v));
    return roundCentre ? height * 0.6 : height;
  }
  const r = Math.max(0, radius + radiusSlope * Math.max(0, v));
  return Math.sqrt(Math.max(0, r * r - u * u));
}

/** Screen sample and depth → a primitive's own coordinates. */
export class PlaneCoordinates {
  u = 0;
  v = 0;
  readonly #u: Linear;
  readonly #v: Linear;
  readonly #u0: number;
  readonly #v0: number;

  constructor({ uAxis, vAxis, origin }: Prim, camera: Camera) {
    this.#u = linear(uAxis, camera);
    this.#v = linear(vAxis, camera);
    const from = minus(camera.position, origin);
    this.#u0 = dot(uAxis, from);
    this.#v0 = dot(vAxis, from);
  }

  locate(sampleX: number, sampleY: number, depth: number): void {
    const u = this.#u;
    const v = this.#v;
    this.u = this.#u0 + depth * (u[0] * sampleX + u[1] * sampleY + u[2]);
    this.v = this.#v0 + depth * (v[0] * sampleX + v[1] * sampleY + v[2]);
  }
}

type Linear = readonly [number, number, number];

/** The component along `axis` of the ray through a screen sample, as a linear function of the sample's place. */
function linear(axis: Point, camera: Camera): Linear {
  const scale = 1 / (camera.focalPixels * samplesPerSide);
  const a = dot(axis, camera.right) * scale;
  const b = dot(axis, camera.down) * scale;
  return [a, b, dot(axis, camera.forward) - (a * camera.centreX + b * camera.centreY) * samplesPerSide];
}
