import { Random } from "../../random.js";
import { randomSide, textureSeed } from "../noise.js";
import {
  bollard,
  clutter,
  type FenceKind,
  fence,
  gantry,
  mast,
  type SignKind,
  streetLamp,
  trafficLight,
  trafficSign,
} from "../objects/furniture.js";
import { hedge, type TreeKind, tree } from "../objects/plants.js";
import type { Stage } from "../render/stage.js";
import type { Setting } from "./setting.js";
import { kerbWidth, type Street } from "./street.js";

const motorwaySigns: readonly SignKind[] = ["direction", "direction", "prohibition", "warning"];

/** Trees, lamps, signs, traffic lights and what else stands beside the road. */
export function furnish(stage: Stage, street: Street, setting: Setting, random: Random): void {
  trees(stage, street, setting, random);
  lamps(stage, street, setting, random);
  signs(stage, street, setting, random);
  signals(stage, street, setting, random);
  const { walk } = street.plan.right;
  if (walk === 0) return;
  for (const side of [-1, 1] as const) {
    const kerb = street.edge(side) + side * (kerbWidth + 0.35);
    if (random.chance(0.3)) {
      const from = random.range(4, 16);
      for (let s = from; s < from + 12; s += 1.8)
        if (!street.inCrossing(s, 4)) bollard(stage, street.place(s, kerb), random);
    }
    const parking = side < 0 ? street.plan.parkingLeft : street.plan.parkingRight;
    if (random.chance(parking > 0 ? 0.15 : 0.45)) kerbRailing(stage, street, side, random);
    for (let n = random.below(3); n > 0; n--)
      clutter(
        stage,
        street.place(random.range(7, 40), street.edge(side) + side * (street.walkEnd(side) - 0.5)),
        random,
      );
  }
}

/** A railing that keeps people off the road, in pieces that follow the bend. */
function kerbRailing(stage: Stage, street: Street, side: 1 | -1, random: Random): void {
  const kind = random.pick<FenceKind>(["railing", "railing", "mesh"]);
  const [from, seed] = [random.range(5, 12), textureSeed(random)];
  const to = from + random.range(8, 26);
  for (let s = from; s < to; s += 2.5) {
    const free = !street.inCrossing(s, 5) && !street.plan.zebras.some((zebra) => Math.abs(zebra - s) < 4);
    const d = street.edge(side) + side * (kerbWidth + 0.2);
    if (free) fence(stage, street.place(s + 1.25, d), 2.5, 1.05, kind, new Random(seed, "railing"));
  }
}

function trees(stage: Stage, street: Street, setting: Setting, random: Random): void {
  for (const side of [-1, 1] as const) {
    const { verge, walk, garden } = street.roadside(side);
    if (setting.name === "rural" || setting.name === "highway") {
      for (let s = random.range(4, 14); s < 140; s += random.range(7, 22)) {
        const d = street.edge(side) + side * (garden * random.range(0.9, 2.2) + (setting.name === "highway" ? 4 : 1.5));
        if (street.inCrossing(s, 4)) continue;
        if (random.chance(0.65))
          tree(
            stage,
            street.place(s, d),
            random.range(5, 12),
            random.pick<TreeKind>(["broad", "broad", "conifer", "slim"]),
            random,
          );
        else hedge(stage, street.place(s, d), random.range(3, 9), random.range(1.2, 3), 1.5, random);
      }
      continue;
    }
    const rows = verge > 1 ? random.chance(0.8) : walk > 2.4 && random.chance(0.4);
    if (!rows) continue;
    const kind = random.pick<TreeKind>(["broad", "broad", "slim"]);
    const [height, spacing] = [random.range(5.5, 10), random.range(8, 14)];
    for (let s = random.range(5, 12); s < 120; s += spacing) {
      if (street.inCrossing(s, 5) || street.plan.zebras.some((zebra) => Math.abs(zebra - s) < 4)) continue;
      tree(
        stage,
        street.place(s + random.range(-0.5, 0.5), street.edge(side) + side * (kerbWidth + Math.max(0.7, verge * 0.5))),
        height * random.range(0.85, 1.15),
        kind,
        random,
      );
    }
  }
  const { median, medianKind } = street.plan;
  if (median > 1.8 && medianKind === "grass" && random.chance(0.6)) {
    const bushes = random.chance(0.5);
    for (let s = random.range(6, 14); s < 110; s += random.range(7, 12)) {
      if (street.inCrossing(s, 5)) continue;
      if (bushes) hedge(stage, street.place(s, 0), random.range(2, 5), 0.9, 0.8, random);
      else tree(stage, street.place(s, 0), random.range(5, 8), "slim", random);
    }
  }
}

function lamps(stage: Stage, street: Street, setting: Setting, random: Random): void {
  if (setting.name === "rural") {
    if (random.chance(0.6))
      for (let s = random.range(6, 20); s < 150; s += 28)
        mast(stage, street.place(s, street.leftEdge - random.range(1.5, 2)), 7.5, random);
    return;
  }
  const spacing = random.range(20, 28);
  const both = random.chance(0.6);
  let turn = randomSide(random);
  for (let s = random.range(6, 14); s < 150; s += both ? spacing : spacing / 2) {
    for (const side of both ? ([-1, 1] as const) : ([turn] as const)) {
      if (street.inCrossing(s, 1.5)) continue;
      streetLamp(
        stage,
        street.place(s + (both ? side * 2 : 0), street.edge(side) + side * (kerbWidth + 0.4)),
        -side * 1.9,
        random,
      );
    }
    turn = -turn as 1 | -1;
  }
  if (setting.name === "tramway" && street.plan.median > 4)
    for (let s = random.range(10, 18); s < 140; s += 30)
      if (!street.inCrossing(s, 2)) mast(stage, street.place(s, 0), 7, random);
}

function signs(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const offset = (side: 1 | -1): number => street.edge(side) + side * (kerbWidth + random.range(0.3, 0.9));
  const scale = setting.name === "highway" ? 1.7 : 1;
  const kinds = setting.name === "highway" ? motorwaySigns : undefined;
  for (let n = 2 + random.below(3); n > 0; n--) {
    const s = random.range(10, 27);
    if (!street.inCrossing(s, 0.5))
      trafficSign(
        stage,
        street.place(s, offset(1), random.range(-0.12, 0.12)),
        scale * random.range(0.9, 1.25),
        random,
        kinds,
      );
  }
  for (let n = 1 + random.below(3); n > 0; n--) {
    const s = random.range(9, 30);
    // On the other side most signs show their backs, those for no-parking do not.
    if (!street.inCrossing(s, 0.5))
      trafficSign(
        stage,
        street.place(s, offset(-1), random.chance(0.35) ? Math.PI : 0),
        scale * random.range(0.9, 1.2),
        random,
        kinds,
      );
  }
  if (setting.name === "highway" && random.chance(0.6)) {
    const middle = (street.rightEdge + street.plan.median / 2) / 2;
    gantry(stage, street.place(random.range(25, 60), middle), street.rightEdge - street.plan.median / 2 + 2, random);
  }
}

function signals(stage: Stage, street: Street, setting: Setting, random: Random): void {
  const { crossing, zebras } = street.plan;
  const stop = zebras[0] ?? (crossing ? crossing.s - crossing.half - 3 : random.range(13, 24));
  const wanted =
    setting.name === "highway" ? 0.12 : setting.name === "rural" ? 0.3 : crossing || zebras.length > 0 ? 0.85 : 0.3;
  if (!random.chance(wanted)) return;
  const arm = random.chance(0.4) ? -(street.rightEdge - street.plan.median / 2) * 0.55 : 0;
  trafficLight(stage, street.place(stop - 2, street.rightEdge + 0.6), arm, random);
  trafficLight(
    stage,
    street.place(stop - 2, street.plan.median > 1 ? street.plan.median / 2 - 0.5 : street.leftEdge - 0.6),
    0,
    random,
  );
  if (crossing) {
    trafficLight(stage, street.place(crossing.s + crossing.half + 1.5, street.rightEdge + 0.7), 0, random);
    trafficLight(stage, street.place(crossing.s + crossing.half + 1.5, street.leftEdge - 0.7), 0, random);
  }
}
