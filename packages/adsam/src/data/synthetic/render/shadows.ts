import { smoothstep } from "../colour.js";
import { GroundMap } from "./ground-map.js";
import type { Prim } from "./prim.js";
import type { Contact, Point } from "./stage.js";

const lit = { left: -32, right: 32, near: -6, far: 74 };

/** Sun shadows: every primitive slides along the sun's rays to the ground, where the map keeps the height it came from. */
export class SunShadows {
  readonly #map = new GroundMap({ ...lit, cell: 0.14 });
  readonly #slideX: number;
  readonly #slideY: number;

  /** `sun` is the unit vector towards the sun, above the horizon. */
  constructor(prims: readonly Prim[], sun: Point) {
    this.#slideX = sun[0] / sun[2];
    this.#slideY = sun[1] / sun[2];
    for (const prim of prims) if (prim.casts) this.#drop(prim, sun);
  }

  /** Share of the sun that reaches a point, 0 … 1, softened over four cells. */
  at(x: number, y: number, z: number, bias: number): number {
    const map = this.#map;
    const gx = (x - z * this.#slideX - map.left) / map.cell - 0.5;
    const gy = (y - z * this.#slideY - map.near) / map.cell - 0.5;
    const ix = Math.floor(gx);
    const iy = Math.floor(gy);
    if (ix < 0 || iy < 0 || ix >= map.columns - 1 || iy >= map.rows - 1) return 1;
    const fx = gx - ix;
    const fy = gy - iy;
    const i = iy * map.columns + ix;
    const height = z + bias;
    const v = map.values;
    const top = (v[i]! > height ? 0 : 1 - fx) + (v[i + 1]! > height ? 0 : fx);
    const bottom = (v[i + map.columns]! > height ? 0 : 1 - fx) + (v[i + map.columns + 1]! > height ? 0 : fx);
    return top * (1 - fy) + bottom * fy;
  }

  #drop(prim: Prim, sun: Point): void {
    // Round primitives face the camera, not the sun: a ball throws a disc, a stick a band as wide as itself.
    const points =
      prim.round === "ball" ? facing(prim, sun) : prim.round === "cylinder" ? stick(prim, sun) : prim.points;
    const n = points.length / 3;
    const map = this.#map;
    const [gx, gy, gz] = [new Float64Array(n), new Float64Array(n), new Float64Array(n)];
    let [top, bottom] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let i = 0; i < n; i++) {
      const z = Math.max(0, points[i * 3 + 2]!);
      gx[i] = (points[i * 3]! - z * this.#slideX - map.left) / map.cell;
      gy[i] = (points[i * 3 + 1]! - z * this.#slideY - map.near) / map.cell;
      gz[i] = z;
      top = Math.min(top, gy[i]!);
      bottom = Math.max(bottom, gy[i]!);
    }
    const lastRow = Math.min(map.rows - 1, Math.floor(bottom - 0.5));
    for (let row = Math.max(0, Math.ceil(top - 0.5)); row <= lastRow; row++) {
      this.#span(row, gx, gy, gz);
    }
  }

  #span(row: number, gx: Float64Array, gy: Float64Array, gz: Float64Array): void {
    const map = this.#map;
    const y = row + 0.5;
    let [left, right, leftZ, rightZ] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, 0];
    for (let i = 0, j = gx.length - 1; i < gx.length; j = i++) {
      const [y0, y1] = [gy[j]!, gy[i]!];
      if (y0 <= y === y1 <= y) continue;
      const t = (y - y0) / (y1 - y0);
      const x = gx[j]! + t * (gx[i]! - gx[j]!);
      const z = gz[j]! + t * (gz[i]! - gz[j]!);
      if (x < left) [left, leftZ] = [x, z];
      if (x > right) [right, rightZ] = [x, z];
    }
    const to = Math.min(map.columns - 1, Math.floor(right - 0.5));
    for (let column = Math.max(0, Math.ceil(left - 0.5)); column <= to; column++) {
      const t = right > left ? (column + 0.5 - left) / (right - left) : 0;
      const z = leftZ + (rightZ - leftZ) * t;
      const at = row * map.columns + column;
      if (z > map.values[at]!) map.values[at] = z;
    }
  }
}

function facing(prim: Prim, sun: Point): Float64Array {
  const flat = Math.hypot(sun[0], sun[1]) || 1;
  const across: Point = [-sun[1] / flat, sun[0] / flat, 0];
  const up: Point = [-across[1] * sun[2], across[0] * sun[2], across[1] * sun[0] - across[0] * sun[1]];
  const points = new Float64Array(24);
  for (let i = 0; i < 8; i++) {
    const a = (i * Math.PI) / 4;
    const [c, s] = [Math.cos(a) * prim.radius, Math.sin(a) * prim.radius];
    for (let k = 0; k < 3; k++) points[i * 3 + k] = prim.origin[k]! + across[k]! * c + up[k]! * s;
  }
  return points;
}

function stick(prim: Prim, sun: Point): Float64Array {
  const v = prim.vAxis;
  const across = [v[1] * sun[2] - v[2] * sun[1], v[2] * sun[0] - v[0] * sun[2], v[0] * sun[1] - v[1] * sun[0]];
  const length = Math.hypot(across[0]!, across[1]!, across[2]!) || 1;
  const points = new Float64Array(12);
  for (let i = 0; i < 4; i++) {
    const side = i === 0 || i === 3 ? -1 : 1;
    for (let k = 0; k < 3; k++) {
      const middle =
        i < 2 ? (prim.points[k]! + prim.points[3 + k]!) / 2 : (prim.points[6 + k]! + prim.points[9 + k]!) / 2;
      points[i * 3 + k] = middle + ((side * across[k]!) / length) * Math.max(prim.radius, 0.04);
    }
  }
  return points;
}

/** Soft darkness on the ground below vehicles, feet and trunks: 0 open … 1 fully covered. */
export function contactMap(contacts: readonly Contact[]): GroundMap {
  const map = new GroundMap({ ...lit, cell: 0.1 });
  for (const { x, y, heading, halfWidth, halfLength } of contacts) {
    const [sin, cos] = [Math.sin(heading), Math.cos(heading)];
    const soft = 0.18 + 0.25 * halfWidth;
    map.around(x, y, Math.hypot(halfWidth, halfLength) + soft, (i, cx, cy) => {
      const across = Math.abs((cx - x) * cos - (cy - y) * sin) - halfWidth;
      const lengthwise = Math.abs((cx - x) * sin + (cy - y) * cos) - halfLength;
      const outside = Math.max(across, lengthwise);
      const dark = 1 - smoothstep(-soft, soft, outside);
      if (dark > map.values[i]!) map.values[i] = dark;
    });
  }
  return map;
}
