import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex } from "../colour.js";
import { bricks, concreteWall, fieldstone, lampGlass, matte } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import { hash, textureSeed } from "../noise.js";
import { type Cutout, screenDoor } from "../render/prim.js";
import type { Place, Stage } from "../render/stage.js";

const greys: readonly Colour[] = ["#6d7174", "#8b9094", "#4a4e52", "#3c4a44", "#5a5f55"].map(hex);
const housing = matte(hex("#1c1f1e"));
const backOfSign = matte(hex("#8f9396"));

/** A street lamp whose arm reaches `reach` metres to the right (negative: left). */
export function streetLamp(stage: Stage, place: Place, reach: number, random: Random): void {
  stage.moveTo(place, ids.pole);
  stage.contact(0.12, 0.12);
  const height = random.range(6.5, 9);
  const paint = matte(random.pick(greys));
  stage.capsule([0, 0, 0], [0, 0, height], 0.1, paint, 0.06);
  stage.capsule([0, 0, 0], [0, 0, 1], 0.13, paint);
  stage.capsule([0, 0, height], [reach * 0.8, 0, height + 0.5], 0.05, paint);
  stage.capsule([reach * 0.7, 0, height + 0.48], [reach, 0, height + 0.5], 0.12, lampGlass(hex("#d8d5c8"), 0, 2.5));
  stage.lamp([reach, 0, height + 0.4], hex(random.chance(0.6) ? "#ffc477" : "#e4ecff"), 16, 1.6);
}

/** A plain mast: power line, tram wire, flag pole. */
export function mast(stage: Stage, place: Place, height: number, random: Random): void {
  stage.moveTo(place, ids.pole);
  stage.contact(0.15, 0.15);
  const paint = matte(random.chance(0.4) ? hex("#6a5a48") : random.pick(greys));
  stage.capsule([0, 0, 0], [0, 0, height], 0.13, paint, 0.09);
  if (random.chance(0.5)) stage.capsule([-0.9, 0, height - 0.5], [0.9, 0, height - 0.5], 0.06, paint);
}

export function bollard(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.pole);
  stage.contact(0.1, 0.1);
  stage.capsule([0, 0, 0], [0, 0, 0.9], 0.075, matte(random.pick(greys)));
  stage.capsule([0, 0, 0.68], [0, 0, 0.78], 0.078, matte(hex("#e6e4dc")));
}

export type SignKind = "warning" | "prohibition" | "blue" | "stop" | "parking" | "direction";
const townSigns: readonly SignKind[] = [
  "warning",
  "prohibition",
  "prohibition",
  "blue",
  "stop",
  "parking",
  "direction",
];

/** A traffic sign on a post, facing against the heading. `scale` 1 is a 70 cm sign. */
export function trafficSign(stage: Stage, place: Place, scale: number, random: Random, kinds = townSigns): void {
  const height = random.range(2.3, 2.9);
  const kind = random.pick(kinds);
  stage.moveTo(place, ids.pole);
  stage.contact(0.06, 0.06);
  stage.capsule([0, 0, 0], [0, 0, height + 0.4 * scale], 0.04, matte(hex("#85898c")));
  stage.label = ids.trafficSign;
  signFace(stage, kind, height, 0.35 * scale, random);
  if (kind !== "direction" && random.chance(0.3)) {
    const low = height - 0.85 * scale;
    board(stage, 0.32 * scale, low, low + 0.32 * scale, hex("#e9e7df"), hex("#222222"), textureSeed(random));
  }
}

function signFace(stage: Stage, kind: SignKind, z: number, r: number, random: Random): void {
  const seed = textureSeed(random);
  const [red, white, blue] = [hex("#c4161c"), hex("#eceae4"), hex("#1a4fa3")];
  if (kind === "direction") {
    const green = random.pick(["#0f5fae", "#e9e7df", "#e3b324", "#1a7a4a"].map(hex));
    board(stage, r * 2.2, z - r * 0.7, z + r * 0.8, green, green[0] > 0.3 ? hex("#1c1c1c") : white, seed);
    return;
  }
  const face =
    (centreV: number): Material =>
    (surface) => {
      const u = surface.u / r;
      const v = (surface.v - centreV) / r;
      const rr = Math.hypot(u, v);
      surface.gloss = 0.03;
      const symbol = Math.abs(u) < 0.4 && Math.abs(v) < 0.4 && hash(Math.floor(u * 5), Math.floor(v * 5), seed) > 0.45;
      if (kind === "prohibition") surface.paint(rr > 0.72 ? red : symbol ? hex("#1c1c1c") : white);
      else if (kind === "blue") surface.paint(symbol ? white : rr > 0.93 ? white : blue);
      else if (kind === "stop")
        surface.paint(
          rr > 0.93 || (Math.abs(v) < 0.25 && Math.abs(u) < 0.7 && hash(Math.floor(u * 7), 0, seed) > 0.2)
            ? white
            : red,
        );
      else surface.paint(symbol ? hex("#1c1c1c") : white);
      surface.glow(white, surface.night * 0.06);
    };
  if (kind === "warning") {
    const inside: Material = (surface) => {
      surface.gloss = 0.03;
      const [u, v] = [surface.u / r - 1, surface.v / r];
      const edge = Math.min(v, (1.73 - v) * 0.5 - Math.abs(u) * 0.866);
      surface.paint(edge < 0.2 ? red : Math.abs(u) < 0.16 && v < 0.95 ? hex("#1c1c1c") : white);
      surface.glow(white, surface.night * 0.06);
    };
    stage.polygon(
      [
        [-r, -0.06, z - 0.7 * r],
        [r, -0.06, z - 0.7 * r],
        [0, -0.06, z + 1.03 * r],
      ],
      inside,
    );
    return;
  }
  if (kind === "parking") {
    const p: Material = (surface) => {
      const [u, v] = [surface.u / r - 1, surface.v / r - 1];
      const stem = Math.abs(u + 0.25) < 0.12 && Math.abs(v) < 0.65;
      const bow = Math.abs(Math.hypot(u - 0.05, v - 0.28) - 0.3) < 0.11 && u > -0.2;
      surface.paint(stem || bow || Math.max(Math.abs(u), Math.abs(v)) > 0.92 ? white : blue);
      surface.glow(white, surface.night * 0.05);
    };
    stage.panel([-r, -0.06], [r, -0.06], z - r, z + r, p);
    return;
  }
  stage.disc([0, -0.06, z], r, "y", face(0));
  stage.disc([0, -0.05, z], r, "y", backOfSign);
}

/** A board with lines of writing. */
function board(stage: Stage, half: number, low: number, high: number, ground: Colour, ink: Colour, seed: number): void {
  const height = high - low;
  const rows = Math.max(1, Math.round(height / 0.3));
  const face: Material = (surface) => {
    const row = (surface.v / height) * rows;
    const line = row - Math.floor(row);
    const letter = surface.u / (height / rows / 2.2);
    const edge = Math.min(surface.u, 2 * half - surface.u, surface.v, height - surface.v) < 0.025;
    const written =
      line > 0.3 &&
      line < 0.72 &&
      surface.u > half * 0.2 &&
      surface.u < half * (1.2 + 0.6 * hash(Math.floor(row), 2, seed)) &&
      letter % 1 > 0.25;
    surface.paint(edge || (written && hash(Math.floor(letter), Math.floor(row), seed) > 0.15) ? ink : ground);
    surface.gloss = 0.03;
    surface.glow(ground, surface.night * 0.08);
  };
  stage.panel([-half, -0.06], [half, -0.06], low, high, face);
}

/** A sign gantry over the road: two posts, a beam, boards facing against the heading. */
export function gantry(stage: Stage, place: Place, width: number, random: Random): void {
  stage.moveTo(place, ids.pole);
  const paint = matte(hex("#83888c"));
  for (const side of [-1, 1]) stage.capsule([(side * width) / 2, 0, 0], [(side * width) / 2, 0, 6.6], 0.18, paint);
  stage.capsule([-width / 2, 0, 6.3], [width / 2, 0, 6.3], 0.15, paint);
  stage.label = ids.trafficSign;
  const colour = random.chance(0.5) ? hex("#1254a0") : hex("#14703c");
  for (let x = -width / 2 + 2.4; x < width / 2 - 1; x += 4.4) {
    stage.moveTo(
      { ...place, x: place.x + Math.cos(place.heading) * x, y: place.y - Math.sin(place.heading) * x },
      ids.trafficSign,
    );
    board(stage, 1.9, 5.2, 7.4, colour, hex("#eceae4"), textureSeed(random));
  }
}

/** A set of traffic lights on a post, facing against the heading, with an arm over the road if `reach` ≠ 0. */
export function trafficLight(stage: Stage, place: Place, reach: number, random: Random): void {
  stage.moveTo(place, ids.pole);
  stage.contact(0.1, 0.1);
  const paint = matte(random.pick(greys));
  const tall = reach === 0 ? 3.1 : 5.8;
  stage.capsule([0, 0, 0], [0, 0, tall], 0.075, paint);
  if (reach !== 0) stage.capsule([0, 0, 5.6], [reach, 0, 5.7], 0.07, paint, 0.05);
  const phase = random.below(3);
  stage.label = ids.trafficLight;
  signal(stage, 0, 2.35, phase);
  if (reach !== 0) signal(stage, reach, 4.95, phase);
}

const phases = [["#ff2b1d"], ["#ffb020"], ["#2bff8a"]].map(([code]) => hex(code!));

function signal(stage: Stage, x: number, z: number, phase: number): void {
  stage.box([x, -0.18], 0.36, 0.24, z, z + 1.02, housing);
  stage.panel([x - 0.27, -0.31], [x + 0.27, -0.31], z - 0.08, z + 1.1, housing);
  for (let i = 0; i < 3; i++) {
    const on = i === phase;
    const colour = phases[i]!;
    const height = z + 0.84 - i * 0.33;
    stage.disc(
      [x, -0.33, height],
      0.13,
      "y",
      on ? lampGlass(colour, 0.9, 1.8) : matte([colour[0] * 0.06, colour[1] * 0.06, colour[2] * 0.06], 0.05),
      { casts: false },
    );
    if (on) stage.lamp([x, -0.4, height], colour, 0.3, 0.5);
  }
}

export type WallKind = "brick" | "stone" | "concrete" | "plaster";

/** A free-standing wall along y, `length` metres. */
export function wall(stage: Stage, place: Place, length: number, height: number, kind: WallKind, random: Random): void {
  stage.moveTo(place, ids.wall);
  const seed = textureSeed(random);
  const pick = (...codes: string[]): Colour => random.pick(codes.map(hex));
  const skin =
    kind === "brick"
      ? bricks(pick("#8f4f3b", "#7d4b3d", "#a06a50"), seed)
      : kind === "stone"
        ? fieldstone(pick("#8b8377", "#7d7a74", "#9a8c74"), seed)
        : concreteWall(
            kind === "plaster" ? pick("#cfc6b2", "#bdb5a6", "#d6d2c6") : pick("#8d8c88", "#a09d96"),
            random.chance(0.4) ? pick("#2d6fb0", "#b03a78", "#d8a52a", "#2f9a6a", "#b5322a") : undefined,
            seed,
          );
  stage.box([0, 0], 0.3, length, 0, height, skin, matte(hex("#8f8b84")));
  stage.box([0, 0], 0.4, length, height, height + 0.1, matte(hex("#9a968e")));
}

export type FenceKind = "pickets" | "mesh" | "railing" | "boards";

/** A fence along y, `length` metres. Gaps belong to the fence, as in hand-made labels; mesh and bars let most of the view through. */
export function fence(
  stage: Stage,
  place: Place,
  length: number,
  height: number,
  kind: FenceKind,
  random: Random,
): void {
  stage.moveTo(place, ids.fence);
  const colour =
    kind === "pickets" || kind === "boards"
      ? random.pick(["#e4e0d4", "#7a5c3e", "#8f7a5c", "#5d4634", "#4f6250"].map(hex))
      : random.pick(["#2c3a33", "#222528", "#7e8487", "#3f5a48"].map(hex));
  const seed = textureSeed(random);
  const skin: Material = (surface) => {
    surface.paint(colour);
    surface.dim(0.8 + 0.4 * hash(Math.floor(surface.u / 0.13), 1, seed));
    if (kind === "boards" && surface.u % 0.16 < 0.012 + surface.footprint * 0.2) surface.dim(0.45);
  };
  const cutouts: Record<FenceKind, Cutout | undefined> = {
    boards: undefined,
    pickets: ({ u, v }) => {
      const gap = u / 0.15 - Math.floor(u / 0.15);
      if (v > height - 0.06 && Math.abs(gap - 0.33) * 0.15 > (height - v) * 0.8) return 0;
      return gap < 0.66 || Math.abs(v - 0.25) < 0.045 || Math.abs(v - height + 0.25) < 0.045 ? 1 : screenDoor;
    },
    mesh: ({ v }) => (v < 0.04 || v > height - 0.05 ? 1 : screenDoor),
    railing: ({ u, v }) =>
      u % 0.13 < 0.03 || Math.abs(v - 0.15) < 0.03 || Math.abs(v - height + 0.1) < 0.035 ? 1 : screenDoor,
  };
  const cutout = cutouts[kind];
  stage.panel([0, -length / 2], [0, length / 2], 0, height, skin, cutout && { cutout });
  const post = matte(colour);
  for (let y = -length / 2; y <= length / 2 + 0.01; y += 2.5) stage.box([0.05, y], 0.09, 0.09, 0, height + 0.06, post);
}

/** A crash barrier along y; not one of the nineteen classes. */
export function guardRail(stage: Stage, place: Place, length: number): void {
  stage.moveTo(place, ids.guardRail);
  const metal: Material = (surface) => {
    surface.paint(hex("#9a9ea1"));
    surface.dim(0.75 + 0.5 * Math.abs(((surface.v * 7) % 1) - 0.5));
    surface.gloss = 0.05;
  };
  stage.panel([0, -length / 2], [0, length / 2], 0.45, 0.78, metal);
  for (let y = -length / 2; y <= length / 2; y += 3) stage.box([0.08, y], 0.1, 0.1, 0, 0.6, matte(hex("#7e8286")));
}

/** Bins, cabinets, benches: static things outside the nineteen classes. */
export function clutter(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.static);
  const colour = matte(random.pick(["#5a6a5c", "#8c8f92", "#3c4a5c", "#7c6a4c", "#c98a2a"].map(hex)));
  if (random.chance(0.5)) {
    stage.contact(0.3, 0.3);
    stage.box([0, 0], 0.6, 0.6, 0.05, 1.1, colour);
  } else {
    stage.contact(0.25, 0.55);
    stage.box([0, 0], 0.45, 1.1, 0, 1.3, colour);
  }
}
