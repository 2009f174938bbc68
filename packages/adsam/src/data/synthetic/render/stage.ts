import type { Colour } from "../colour.js";
import type { Material } from "../materials/surface.js";
import type { Contact, Lamp, Place } from "./place.js";
import type { Cutout, Prim, Roundness } from "./prim.js";
import { along, cross, minus, type Point, unit } from "./vector.js";

export type { Contact, Lamp, Place, Point };

interface DrawOptions {
  readonly cutout?: Cutout;
  readonly casts?: boolean;
}

/** Collects the primitives of a scene. Objects draw in their own axes (x right, y forward, z up) at the current place. */
export class Stage {
  readonly prims: Prim[] = [];
  readonly lamps: Lamp[] = [];
  readonly contacts: Contact[] = [];
  /** labelId of what is drawn next. */
  label = 0;
  readonly eye: Point;
  #place: Place = { x: 0, y: 0, heading: 0 };
  #sin = 0;
  #cos = 1;

  constructor(eye: Point) {
    this.eye = eye;
  }

  moveTo(place: Place, label: number): void {
    this.#place = place;
    this.#sin = Math.sin(place.heading);
    this.#cos = Math.cos(place.heading);
    this.label = label;
  }

  /** Distance of the current place from the camera, metres. */
  get distance(): number {
    return Math.hypot(this.#place.x - this.eye[0], this.#place.y - this.eye[1]);
  }

  world([x, y, z]: Point): Point {
    const { x: px, y: py, z: pz = 0 } = this.#place;
    return [px + x * this.#cos + y * this.#sin, py - x * this.#sin + y * this.#cos, pz + z];
  }

  /** A flat convex polygon; u runs from the first corner to the second, v at a right angle to it, on the side of the last corner. */
  polygon(corners: readonly Point[], material: Material, options: DrawOptions = {}): void {
    const world = corners.map((corner) => this.world(corner));
    const origin = world[0]!;
    const uAxis = unit(minus(world[1]!, origin));
    const normal = unit(cross(uAxis, minus(world[world.length - 1]!, origin)));
    this.#add({ world, origin, uAxis, vAxis: cross(normal, uAxis), normal, material, round: "flat", ...options });
  }

  /** An upright rectangle from `a` to `b` on the ground plan, between two heights. */
  panel(
    a: readonly [number, number],
    b: readonly [number, number],
    low: number,
    high: number,
    material: Material,
    options?: DrawOptions,
  ): void {
    this.polygon(
      [
        [a[0], a[1], low],
        [b[0], b[1], low],
        [b[0], b[1], high],
        [a[0], a[1], high],
      ],
      material,
      options,
    );
  }

  /** A box standing on z = `low`: sides and top. */
  box(
    centre: readonly [number, number],
    width: number,
    length: number,
    low: number,
    high: number,
    side: Material,
    top: Material = side,
    ends: Material = side,
  ): void {
    const [x0, x1] = [centre[0] - width / 2, centre[0] + width / 2];
    const [y0, y1] = [centre[1] - length / 2, centre[1] + length / 2];
    this.panel([x0, y0], [x1, y0], low, high, ends);
    this.panel([x1, y1], [x0, y1], low, high, ends);
    this.panel([x1, y0], [x1, y1], low, high, side);
    this.panel([x0, y1], [x0, y0], low, high, side);
    this.polygon(
      [
        [x0, y0, high],
        [x1, y0, high],
        [x1, y1, high],
        [x0, y1, high],
      ],
      top,
    );
    if (low > this.eye[2])
      this.polygon(
        [
          [x0, y0, low],
          [x1, y0, low],
          [x1, y1, low],
          [x0, y1, low],
        ],
        top,
      );
  }

  /** A round stick with round ends, its radius running from `radiusA` to `radiusB`. */
  capsule(a: Point, b: Point, radiusA: number, material: Material, radiusB = radiusA): void {
    const from = this.world(a);
    const to = this.world(b);
    const length = Math.max(1e-4, Math.hypot(to[0] - from[0], to[1] - from[1], to[2] - from[2]));
    const vAxis = unit(minus(to, from));
    const middle: Point = [(from[0] + to[0]) / 2, (from[1] + to[1]) / 2, (from[2] + to[2]) / 2];
    const uAxis = unit(cross(vAxis, minus(this.eye, middle)));
    const widest = Math.max(radiusA, radiusB);
    const corner = (u: number, v: number): Point => along(along(from, uAxis, u), vAxis, v);
    const world = [
      corner(-widest, -radiusA),
      corner(widest, -radiusA),
      corner(widest, length + radiusB),
      corner(-widest, length + radiusB),
    ];
    const slope = (radiusB - radiusA) / length;
    const cutout: Cutout = ({ u, v }) => {
      if (v < 0) return u * u + v * v <= radiusA * radiusA ? 1 : 0;
      if (v > length) return u * u + (v - length) * (v - length) <= radiusB * radiusB ? 1 : 0;
      const r = radiusA + slope * v;
      return u <= r && u >= -r ? 1 : 0;
    };
    const normal = cross(uAxis, vAxis);
    this.#add({
      world,
      origin: from,
      uAxis,
      vAxis,
      normal,
      material,
      round: "cylinder",
      radius: radiusA,
      radiusSlope: slope,
      cutout,
    });
  }

  /** A ball, or with `bulgeFrom` a flake of a larger round thing (a clump of leaves of a crown). Turned towards the camera. */
  ball(
    centre: Point,
    radius: number,
    material: Material,
    options: DrawOptions & { readonly bulgeFrom?: Point } = {},
  ): void {
    const at = this.world(centre);
    const normal = unit(minus(this.eye, at));
    const uAxis = unit(cross([0, 0, 1], normal));
    const vAxis = cross(normal, uAxis);
    const world: Point[] = [];
    for (let i = 0; i < 8; i++) {
      const angle = ((i + 0.5) * Math.PI) / 4;
      const r = radius * 1.0824;
      world.push(along(along(at, uAxis, r * Math.cos(angle)), vAxis, r * Math.sin(angle)));
    }
    const { bulgeFrom, casts } = options;
    const cutout =
      options.cutout ?? (({ u, v }: { u: number; v: number }) => (u * u + v * v <= radius * radius ? 1 : 0));
    this.#add({
      world,
      origin: at,
      uAxis,
      vAxis,
      normal,
      material,
      round: "ball",
      radius,
      cutout,
      casts,
      roundCentre: bulgeFrom && this.world(bulgeFrom),
    });
  }

  /** A flat disc or ring, upright, its axis along the object's x (a wheel) or y (a sign). */
  disc(
    centre: Point,
    radius: number,
    axis: "x" | "y",
    material: Material,
    options: DrawOptions & { readonly inner?: number } = {},
  ): void {
    const { inner = 0, cutout = ringCutout(radius, inner), casts } = options;
    const c = this.world(centre);
    const uAxis = unit(
      minus(
        this.world(axis === "x" ? [centre[0], centre[1] + 1, centre[2]] : [centre[0] + 1, centre[1], centre[2]]),
        c,
      ),
    );
    const vAxis: Point = [0, 0, 1];
    const r = radius * 1.0353;
    const world: Point[] = [];
    for (let i = 0; i < 12; i++) {
      const angle = ((i + 0.5) * Math.PI) / 6;
      world.push(along(along(c, uAxis, r * Math.cos(angle)), vAxis, r * Math.sin(angle)));
    }
    this.#add({ world, origin: c, uAxis, vAxis, normal: cross(uAxis, vAxis), material, round: "flat", cutout, casts });
  }

  lamp(at: Point, colour: Colour, power: number, halo: number, beam = false): void {
    const light = { at: this.world(at), colour, power, halo };
    this.lamps.push(beam ? { ...light, aim: this.#place.heading } : light);
  }

  contact(halfWidth: number, halfLength: number, x = 0, y = 0): void {
    const [worldX, worldY] = this.world([x, y, 0]);
    this.contacts.push({ x: worldX, y: worldY, heading: this.#place.heading, halfWidth, halfLength });
  }

  #add(draft: Draft): void {
    const {
      world,
      origin,
      uAxis,
      vAxis,
      normal,
      material,
      cutout,
      round,
      radius = 0,
      radiusSlope = 0,
      roundCentre,
      casts = true,
    } = draft;
    const points = new Float64Array(world.length * 3);
    world.forEach((p, i) => void points.set(p, i * 3));
    this.prims.push({
      points,
      origin,
      uAxis,
      vAxis,
      normal,
      material,
      labelId: this.label,
      cutout,
      round,
      radius,
      radiusSlope,
      roundCentre,
      casts,
    });
  }
}

interface Draft {
  readonly world: readonly Point[];
  readonly origin: Point;
  readonly uAxis: Point;
  readonly vAxis: Point;
  readonly normal: Point;
  readonly material: Material;
  readonly round: Roundness;
  readonly cutout?: Cutout | undefined;
  readonly radius?: number;
  readonly radiusSlope?: number;
  readonly roundCentre?: Point | undefined;
  readonly casts?: boolean | undefined;
}

function ringCutout(radius: number, inner: number): Cutout {
  return ({ u, v }) => {
    const square = u * u + v * v;
    return square <= radius * radius && square >= inner * inner ? 1 : 0;
  };
}
