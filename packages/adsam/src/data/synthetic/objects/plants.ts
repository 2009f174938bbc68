import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex, mixed } from "../colour.js";
import { mottled } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import { fractalNoise, noise, textureSeed } from "../noise.js";
import type { Cutout } from "../render/prim.js";
import type { Place, Point, Stage } from "../render/stage.js";

const greens: readonly Colour[] = ["#4c6b2c", "#3f5e2b", "#5d7a35", "#6d7d34", "#38552f", "#7a7a33"].map(hex);
const bark = hex("#57493c");

function leaves(colour: Colour, seed: number): Material {
  return (surface) => {
    const { x, y, z, footprint } = surface;
    surface.paint(colour);
    const clump = noise(x * 1.7 + z * 0.9, y * 1.7 + z * 1.7, seed);
    const leaf = footprint < 0.12 ? noise(surface.u * 14, surface.v * 14, seed + 1) : 0.5;
    surface.dim(0.5 + 0.45 * clump + 0.75 * (leaf - 0.15) * Math.max(0.3, 1 - footprint / 0.12));
  };
}

/** A ragged disc: its rim is bitten by noise, as leaves would. */
function ragged(radius: number, seed: number): Cutout {
  const scale = 3.2 / radius;
  return ({ u, v }) => {
    const r = Math.sqrt(u * u + v * v) / radius;
    return r < 0.55 ||
      r + (noise(u * scale, v * scale, seed) - 0.5) * 0.75 + (noise(u * scale * 3, v * scale * 3, seed) - 0.5) * 0.4 <
        0.82
      ? 1
      : 0;
  };
}

/** A heap of leaf clumps filling an ellipsoid; finer near the camera. */
function crown(stage: Stage, centre: Point, width: number, height: number, colour: Colour, random: Random): void {
  const near = Math.max(6, stage.distance);
  const clump = Math.max(0.32, Math.min(0.9, near / 30)) * Math.min(1, width / 3.5);
  const count = Math.min(150, Math.round(((width * height) / (clump * clump)) * 1.25));
  const seed = textureSeed(random);
  for (let i = 0; i < count; i++) {
    const azimuth = random.range(0, 2 * Math.PI);
    const lift = random.range(-1, 1);
    const out = Math.cbrt(random.range(0.35, 1));
    const flat = Math.sqrt(1 - lift * lift);
    const at: Point = [
      centre[0] + (Math.cos(azimuth) * flat * out * width) / 2,
      centre[1] + (Math.sin(azimuth) * flat * out * width) / 2,
      centre[2] + (lift * out * height) / 2,
    ];
    const radius = clump * random.range(0.7, 1.25);
    stage.ball(at, radius, leaves(mixed(colour, random.pick(greens), 0.25), seed + i), {
      cutout: ragged(radius, seed + i),
      bulgeFrom: centre,
    });
  }
}

export type TreeKind = "broad" | "slim" | "conifer";

/** A tree; Cityscapes counts the trunk as vegetation. `height` in metres. */
export function tree(stage: Stage, place: Place, height: number, kind: TreeKind, random: Random): void {
  stage.moveTo(place, ids.vegetation);
  stage.contact(0.25, 0.25);
  const wood = mottled(mixed(bark, hex("#8b8276"), random.float() * 0.5), 0.4, 0.35, textureSeed(random));
  const colour = random.pick(greens);
  const lean = random.range(-0.25, 0.25);
  if (kind === "conifer") {
    stage.capsule([0, 0, 0], [0, 0, height * 0.9], 0.18, wood, 0.04);
    const dark = mixed(hex("#2c4426"), colour, 0.25);
    for (let level = 0; level < 5; level++) {
      const t = level / 5;
      crown(stage, [0, 0, height * (0.25 + 0.7 * t)], height * 0.42 * (1 - t * 0.85), height * 0.24, dark, random);
    }
    return;
  }
  const stem = height * (kind === "slim" ? 0.22 : random.range(0.3, 0.4));
  const girth = 0.1 + height * 0.014;
  stage.capsule([0, 0, 0], [lean, 0, stem + height * 0.18], girth, wood, girth * 0.65);
  for (let i = 0; i < 4; i++) {
    const a = (i * Math.PI) / 2 + random.float();
    const reach = height * random.range(0.12, 0.2);
    stage.capsule(
      [lean, 0, stem],
      [lean + Math.cos(a) * reach, Math.sin(a) * reach, stem + height * 0.25],
      girth * 0.5,
      wood,
      girth * 0.2,
    );
  }
  const width = kind === "slim" ? height * 0.32 : height * random.range(0.5, 0.65);
  crown(stage, [lean, 0, (stem + height) / 2 + height * 0.03], width, height - stem, colour, random);
}

/** A bush or a stretch of hedge along y, `length` metres. */
export function hedge(
  stage: Stage,
  place: Place,
  length: number,
  height: number,
  thickness: number,
  random: Random,
): void {
  stage.moveTo(place, ids.vegetation);
  const colour = random.pick(greens);
  const seed = textureSeed(random);
  const clump = Math.max(0.22, Math.min(0.6, stage.distance / 40));
  const count = Math.min(220, Math.round((length * height) / (clump * clump) + 6));
  const centre: Point = [0, 0, height * 0.4];
  for (let i = 0; i < count; i++) {
    const y = random.range(-length / 2, length / 2);
    const z = height * Math.sqrt(random.float());
    const radius = clump * random.range(0.7, 1.3);
    stage.ball(
      [random.range(-0.5, 0.5) * thickness, y, Math.max(radius * 0.6, z - radius * 0.5)],
      radius,
      leaves(colour, seed + i),
      { cutout: ragged(radius, seed + i), bulgeFrom: [centre[0], y, centre[2]] },
    );
  }
}

/** A clipped garden hedge: a green box with leafy skin. */
export function clippedHedge(stage: Stage, place: Place, length: number, height: number, random: Random): void {
  stage.moveTo(place, ids.vegetation);
  const skin = leaves(random.pick(greens), textureSeed(random));
  stage.box([0, 0], 0.7, length, 0, height, skin);
}

/** Woods on the horizon: an upright band with a ragged top, `length` metres along x. */
export function distantWoods(stage: Stage, place: Place, length: number, height: number, random: Random): void {
  stage.moveTo(place, ids.vegetation);
  const seed = textureSeed(random);
  const colour = mixed(random.pick(greens), hex("#6a7a62"), 0.4);
  const skin: Material = (surface) => {
    surface.paint(colour);
    surface.dim(0.6 + 0.8 * fractalNoise(surface.u * 0.35, surface.v * 0.5, seed, 3));
  };
  const cutout: Cutout = ({ u, v }) => (v < height * (0.35 + 0.65 * fractalNoise(u * 0.09, 0.5, seed, 4)) ? 1 : 0);
  stage.panel([-length / 2, 0], [length / 2, 0], 0, height, skin, { cutout, casts: false });
}
