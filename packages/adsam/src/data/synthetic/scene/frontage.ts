import { Random } from "../../random.js";
import { textureSeed } from "../noise.js";
import { type BuildingKind, building } from "../objects/buildings.js";
import { type FenceKind, fence, guardRail, type WallKind, wall } from "../objects/furniture.js";
import { clippedHedge, distantWoods, hedge, tree } from "../objects/plants.js";
import type { Stage } from "../render/stage.js";
import type { Setting, SettingName } from "./setting.js";
import type { Street } from "./street.js";

/** How far houses are built, metres along the street. */
const far = 170;

interface Frontage {
  readonly kinds: readonly BuildingKind[];
  readonly length: readonly [number, number];
  readonly height: readonly [number, number];
  /** Chance that a plot has no house but trees behind a wall or fence. */
  readonly open: number;
  /** Gap between houses, metres. */
  readonly gap: readonly [number, number];
}

const frontages: Record<SettingName, Frontage> = {
  avenue: { kinds: ["modern", "old", "modern"], length: [14, 30], height: [11, 24], open: 0.34, gap: [0, 5] },
  "old-town": { kinds: ["old"], length: [8, 15], height: [9, 16], open: 0.32, gap: [0, 0.1] },
  residential: { kinds: ["house"], length: [9, 14], height: [4.5, 7.5], open: 0.2, gap: [3, 9] },
  tramway: { kinds: ["old", "old", "modern"], length: [12, 22], height: [11, 20], open: 0.34, gap: [0, 2] },
  industrial: { kinds: ["hall", "hall", "modern"], length: [20, 40], height: [6, 11], open: 0.3, gap: [5, 14] },
  highway: { kinds: ["hall", "modern", "house"], length: [15, 30], height: [7, 16], open: 0.8, gap: [10, 30] },
  rural: { kinds: ["house"], length: [9, 15], height: [4, 6.5], open: 0.72, gap: [10, 25] },
};

/** Houses along both sides, what closes off their plots, and what stands on the horizon. */
export function buildFrontage(stage: Stage, street: Street, setting: Setting, random: Random): void {
  for (const side of [-1, 1] as const) {
    houses(stage, street, setting, side, random);
    boundary(stage, street, setting, side, random);
  }
  crossStreet(stage, street, setting, random);
  horizon(stage, street, setting, random);
}

function houses(stage: Stage, street: Street, setting: Setting, side: 1 | -1, random: Random): void {
  const style = frontages[setting.name];
  const front = street.edge(side) + side * (street.buildingLine(side) + 0.05 + (setting.name === "highway" ? 8 : 0));
  const margin = (street.plan.crossing?.walk ?? 0) + 0.5;
  let s = random.range(-12, -4);
  while (s < far) {
    const length = random.range(...style.length);
    const middle = s + length / 2;
    const blocked =
      street.plan.crossing !== undefined &&
      s < street.plan.crossing.s + street.plan.crossing.half + margin &&
      s + length > street.plan.crossing.s - street.plan.crossing.half - margin;
    if (blocked) {
      const { crossing } = street.plan;
      const room = crossing!.s - crossing!.half - margin - s;
      if (room > 6)
        building(
          stage,
          street.place(s + room / 2, front),
          side,
          room,
          random.range(10, 15),
          random.range(...style.height),
          random.pick(style.kinds),
          random,
        );
      s = crossing!.s + crossing!.half + margin;
      continue;
    }
    // Near plots are open more often: walls and fences would otherwise be seen only as slivers far away.
    const near = s < 22 && s + length > 9 ? 0.18 : 0;
    if (random.chance(style.open + near)) openPlot(stage, street, setting, side, s, length, front, random);
    else
      building(
        stage,
        street.place(middle, front),
        side,
        length,
        random.range(9, 15),
        random.range(...style.height),
        random.pick(style.kinds),
        random,
      );
    s += length + random.range(...style.gap);
  }
}

/** A plot without a house: trees, and towards the street a wall, a fence or a hedge. */
function openPlot(
  stage: Stage,
  street: Street,
  setting: Setting,
  side: 1 | -1,
  s: number,
  length: number,
  front: number,
  random: Random,
): void {
  const kind = s > 55 ? "hedge" : random.pick(["wall", "fence"] as const);
  if (street.roadside(side).garden < 2 && setting.name !== "highway")
    barrier(stage, street, side, s, length, front, kind, random);
  const trees = s > 70 ? 2 : 3;
  for (let i = 0; i < trees; i++) {
    const at = street.place(s + random.range(0.1, 0.9) * length, front + side * random.range(3, 9));
    tree(stage, at, random.range(6, 12), random.pick(["broad", "broad", "slim", "conifer"] as const), random);
  }
  // What is behind the plot, so that the ground does not run to the horizon.
  if (random.chance(0.6))
    building(
      stage,
      street.place(s + length / 2, front + side * 14),
      side,
      length + 4,
      8,
      random.range(6, 12),
      "old",
      random,
    );
  else hedge(stage, street.place(s + length / 2, front + side * 13), length + 3, random.range(3, 6), 2, random);
}

/** What stands between sidewalk and front garden, or beside an open road. */
function boundary(stage: Stage, street: Street, setting: Setting, side: 1 | -1, random: Random): void {
  const { garden } = street.roadside(side);
  if (garden < 2) return;
  const open = setting.name === "highway" || setting.name === "rural";
  const line = street.edge(side) + side * (open ? garden * random.range(0.5, 0.95) : street.walkEnd(side) + 0.25);
  if (setting.name === "highway" && random.chance(0.5))
    for (let s = 2; s < 110; s += 12) guardRail(stage, street.place(s + 6, street.edge(side) + side * 0.8), 12.2);
  const usual = random.pick(["wall", "wall", "fence", "fence", "hedge", "none"] as const);
  let s = -2;
  while (s < 100) {
    const length = setting.name === "highway" ? 10 : random.range(7, 13);
    const kind =
      setting.name === "highway" || random.chance(0.6)
        ? usual
        : random.pick(["wall", "fence", "hedge", "none"] as const);
    if (!street.inCrossing(s + length / 2, length / 2 + 3) && kind !== "none")
      barrier(stage, street, side, s, length - (open ? 0 : random.range(0, 2.5)), line, kind, random, setting.name);
    s += length;
  }
  if (!open)
    for (let t = 4; t < 70; t += random.range(6, 14))
      if (!street.inCrossing(t, 5) && garden > 3)
        shrub(stage, street, side, t, line + side * random.range(1.2, garden - 1), random);
}

function shrub(stage: Stage, street: Street, _side: 1 | -1, s: number, d: number, random: Random): void {
  if (random.chance(0.4))
    tree(stage, street.place(s, d), random.range(4, 7), random.pick(["broad", "conifer", "slim"] as const), random);
  else hedge(stage, street.place(s, d), random.range(1, 3), random.range(0.8, 1.6), 1, random);
}

function barrier(
  stage: Stage,
  street: Street,
  side: 1 | -1,
  s: number,
  length: number,
  d: number,
  kind: "wall" | "fence" | "hedge",
  random: Random,
  setting?: SettingName,
): void {
  const motorway = setting === "highway";
  // Long pieces are cut so that they follow the bend.
  const pieces = street.plan.curvature === 0 ? 1 : Math.ceil(length / 5);
  const height = kind === "wall" ? (motorway ? 3.4 : random.range(1.1, 2.5)) : random.range(1.1, 2);
  const wallKind = motorway ? "concrete" : random.pick<WallKind>(["brick", "stone", "concrete", "plaster"]);
  const fenceKind = random.pick<FenceKind>(motorway ? ["mesh"] : ["pickets", "mesh", "railing", "boards"]);
  const clipped = random.chance(0.5);
  const fixed = textureSeed(random);
  for (let i = 0; i < pieces; i++) {
    const place = street.place(s + ((i + 0.5) * length) / pieces, d);
    const piece = length / pieces + (pieces > 1 ? 0.1 : 0);
    const same = new Random(fixed, "barrier");
    if (kind === "wall") wall(stage, place, piece, height, wallKind, same);
    else if (kind === "fence") fence(stage, place, piece, height, fenceKind, same);
    else if (clipped) clippedHedge(stage, place, piece, height, same);
    else hedge(stage, place, piece, height, 0.8, random);
  }
  if (motorway && kind !== "wall")
    hedge(stage, street.place(s + length / 2, d + side * 3), length, random.range(2, 5), 2, random);
}

/** Houses along the street across, beyond the corner plots. */
function crossStreet(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const { crossing } = street.plan;
  if (!crossing) return;
  const style = frontages[setting.name];
  for (const side of [-1, 1] as const) {
    let d = street.buildingLine(side) + 16;
    while (d < 75) {
      const length = random.range(...style.length);
      const at = street.edge(side) + side * (d + length / 2);
      const beyond = street.place(crossing.s + crossing.half + crossing.walk + 0.6, at, Math.PI / 2);
      if (random.chance(style.open))
        tree(
          stage,
          street.place(crossing.s + crossing.half + crossing.walk + 5, at),
          random.range(6, 11),
          "broad",
          random,
        );
      else building(stage, beyond, -1, length, 11, random.range(...style.height), random.pick(style.kinds), random);
      d += length + random.range(...style.gap);
    }
  }
}

function horizon(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const country = setting.name === "rural" || setting.name === "highway";
  const end = street.place(far + 40, 0);
  if (!country) {
    for (let i = -2; i <= 2; i++)
      building(
        stage,
        street.place(far + 20 + random.range(0, 20), i * 17 + random.range(-3, 3), -Math.PI / 2),
        1,
        random.range(14, 17),
        10,
        random.range(9, 26),
        random.pick(["old", "modern"] as const),
        random,
      );
  }
  for (let i = -4; i <= 4; i++)
    distantWoods(
      stage,
      { x: end.x + i * 75, y: 230 + Math.abs(i) * 12 + random.range(0, 20), heading: 0 },
      95,
      random.range(7, country ? 20 : 14),
      random,
    );
  for (const side of [-1, 1])
    for (let y = 20; y < 260; y += 60)
      distantWoods(
        stage,
        { x: side * (country ? 90 : 120), y, heading: (side * Math.PI) / 2 },
        80,
        random.range(6, 14),
        random,
      );
}
