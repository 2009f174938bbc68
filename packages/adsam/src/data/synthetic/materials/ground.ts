import { ids } from "../classes.js";
import { type Colour, hex, mixed } from "../colour.js";
import { fractalNoise, hash, noise } from "../noise.js";
import { kerbWidth, type Street } from "../scene/street.js";
import type { Surface } from "./surface.js";

interface Line {
  readonly d: number;
  readonly half: number;
  /** Metres from dash to dash and the painted part of it; absent for a solid line. */
  readonly period?: number;
  readonly painted?: number;
}

const white = hex("#dcdcd6");
const soil = hex("#7a6a50");
const straw = hex("#8b8a52");
const steel = hex("#8d8f92");
const ballast = hex("#6d6761");

/** The ground plane of a street: what it is at a place, and what it looks like. */
export class Ground {
  readonly #street: Street;
  readonly #lines: readonly Line[];
  readonly #road: Colour;
  readonly #slab: Colour;
  readonly #kerb: Colour;
  readonly #grass: Colour;
  readonly #seed: number;
  readonly #at = { s: 0, d: 0 };

  constructor(street: Street) {
    const { plan } = street;
    this.#street = street;
    this.#seed = plan.seed;
    this.#lines = lines(street);
    const tone = hash(1, 2, plan.seed);
    this.#road =
      plan.paving === "cobbles"
        ? mixed(hex("#6a655f"), hex("#7c7670"), tone)
        : plan.paving === "concrete"
          ? mixed(hex("#827f7a"), hex("#918d85"), tone)
          : mixed(hex("#4c4d50"), hex("#69696a"), tone);
    this.#slab = mixed(mixed(hex("#8f8a84"), hex("#a39d94"), tone), hex("#a08478"), hash(3, 4, plan.seed) * 0.7);
    this.#kerb = mixed(hex("#9c9a94"), hex("#b4b1aa"), hash(5, 6, plan.seed));
    this.#grass = mixed(hex("#55692f"), hex("#7d8247"), hash(7, 8, plan.seed));
  }

  /** Paints the surface at (x, y) and returns its labelId. `across` is the sample's size at a right angle to the view. */
  shade(surface: Surface, across: number): number {
    const at = this.#at;
    this.#street.locate(surface.x, surface.y, at);
    const { s, d } = at;
    const { plan } = this.#street;
    const side = d < 0 ? -1 : 1;
    const outside = d < 0 ? this.#street.leftEdge - d : d - this.#street.rightEdge;
    if (outside < 0 && s > -30) {
      if (Math.abs(d) >= plan.median / 2 || this.#street.inCrossing(s, 1))
        return this.#carriageway(surface, s, d, across);
      if (plan.medianKind === "grass")
        return Math.abs(d) > plan.median / 2 - kerbWidth ? this.#kerbStone(surface, s) : this.#meadow(surface);
      return this.#railBed(surface, s, d, across);
    }
    const { crossing } = plan;
    let walkOfCrossing = false;
    if (crossing) {
      const beyond = Math.abs(s - crossing.s) - crossing.half;
      const round = 3;
      const corner =
        outside < round && beyond < round && (outside - round) ** 2 + (beyond - round) ** 2 > round * round;
      if (beyond < 0 || corner) return this.#carriageway(surface, s, d, across);
      if (beyond < kerbWidth) return this.#kerbStone(surface, d);
      walkOfCrossing = beyond < crossing.walk;
    }
    const { verge, walk } = this.#street.roadside(side);
    const start = kerbWidth + verge;
    if (walk > 0 && outside < kerbWidth) return this.#kerbStone(surface, s);
    if (
      walkOfCrossing ||
      (outside >= start && outside < start + walk) ||
      (walk > 0 && outside < start && this.#street.inCrossing(s, (crossing?.walk ?? 0) + 2))
    ) {
      return this.#sidewalk(surface, s, d);
    }
    return this.#meadow(surface);
  }

  #carriageway(surface: Surface, s: number, d: number, across: number): number {
    const { x, y, footprint } = surface;
    const { plan } = this.#street;
    surface.paint(this.#road);
    const patches = fractalNoise(x * 0.35, y * 0.12, this.#seed, 3);
    surface.dim(0.82 + 0.36 * patches);
    if (footprint < 0.25) surface.dim(1 + (noise(x * 22, y * 22, this.#seed + 5) - 0.5) * 0.3 * (1 - footprint / 0.25));
    if (plan.paving === "cobbles" && footprint < 0.16) {
      const row = Math.floor(s / 0.16);
      const stone = Math.floor((d + (row & 1) * 0.08) / 0.16);
      const [fs, fd] = [s / 0.16 - row, (d + (row & 1) * 0.08) / 0.16 - stone];
      const joint = Math.min(fs, 1 - fs, fd, 1 - fd) < 0.1 ? 0.62 : 1;
      surface.dim(1 + (joint * (0.75 + 0.5 * hash(row, stone, this.#seed)) - 1) * (1 - footprint / 0.16));
    } else {
      this.#repairs(surface, s, d);
    }
    if (
      plan.cycleLane &&
      d > this.#street.rightEdge - plan.parkingRight - 1.6 &&
      d < this.#street.rightEdge - plan.parkingRight
    )
      surface.blend(hex("#8a4038"), 0.5);
    this.#markings(surface, s, d, across);
    for (const centre of plan.rails) this.#rails(surface, d - centre, across);
    if (surface.wet > 0) this.#soak(surface, x, y, 1);
    return ids.road;
  }

  #repairs(surface: Surface, s: number, d: number): void {
    const [cellS, cellD] = [Math.floor(s / 9), Math.floor(d / 4)];
    const chance = hash(cellS, cellD, this.#seed + 11);
    if (chance < 0.22) {
      const [ls, ld] = [s / 9 - cellS, d / 4 - cellD];
      const [w, l] = [
        0.2 + hash(cellS, cellD, this.#seed + 12) * 0.5,
        0.15 + hash(cellS, cellD, this.#seed + 13) * 0.6,
      ];
      if (ls > 0.1 && ls < 0.1 + l && ld > 0.1 && ld < 0.1 + w) surface.dim(chance < 0.11 ? 0.74 : 1.18);
    } else if (chance > 0.88) {
      const r = Math.hypot((s / 9 - cellS - 0.5) * 9, (d / 4 - cellD - 0.5) * 4);
      if (r < 0.34) surface.dim(r > 0.29 ? 0.5 : 0.7);
    }
    if (surface.footprint < 0.06) {
      const cracked = noise(surface.x * 0.21, surface.y * 0.13, this.#seed + 19);
      if (cracked < 0.68) return;
      const crack = Math.abs(fractalNoise(surface.x * 0.9, surface.y * 0.9, this.#seed + 17, 3) - 0.5);
      if (crack < 0.004) surface.dim(0.75);
    }
  }

  #markings(surface: Surface, s: number, d: number, across: number): void {
    const { plan } = this.#street;
    const worn = 0.75 + 0.25 * noise(surface.x * 3, surface.y * 3, this.#seed + 21);
    const { crossing } = plan;
    const clear = crossing !== undefined && Math.abs(s - crossing.s) < crossing.half + 7.5;
    for (const zebra of plan.zebras) {
      const along = Math.abs(s - zebra) - 1.75;
      const inside = Math.min(d - this.#street.leftEdge, this.#street.rightEdge - d) - 0.3;
      const phase = d - Math.floor(d);
      if (along < 0 && inside > 0) {
        const cover = Math.min(1, Math.max(0, 0.5 + (0.26 - Math.abs(phase - 0.5)) / Math.max(across, 0.01)));
        surface.blend(white, cover * worn);
      }
      if (along < 1.9) {
        // The stop line before the crossing, on the side that drives towards it.
        if (along > 1.4 && s < zebra && inside > 0 && d > plan.median / 2) surface.blend(white, worn);
        return;
      }
    }
    if (clear) return;
    for (const line of this.#lines) {
      const off = Math.abs(d - line.d) - line.half;
      if (off > across) continue;
      if (line.period !== undefined && s - Math.floor(s / line.period) * line.period > line.painted!) continue;
      surface.blend(white, Math.min(1, Math.max(0, 0.5 - off / Math.max(across, 0.01))) * worn);
    }
  }

  #rails(surface: Surface, offset: number, across: number): void {
    const off = Math.abs(Math.abs(offset) - 0.72);
    if (off > 0.07 + across) return;
    if (off < 0.032 + across * 0.4) {
      surface.blend(steel, 0.8);
      surface.gloss = 0.25;
    } else if (off < 0.07) surface.dim(0.5);
  }

  #railBed(surface: Surface, s: number, d: number, across: number): number {
    if (Math.abs(d) > this.#street.plan.median / 2 - kerbWidth) return this.#kerbStone(surface, s);
    surface.paint(ballast);
    surface.dim(0.7 + 0.6 * noise(surface.x * 14, surface.y * 14, this.#seed + 31));
    const sleeper = s / 0.65 - Math.floor(s / 0.65);
    const quarter = this.#street.plan.median / 4;
    const offset = Math.abs(d) - quarter;
    if (sleeper < 0.38 && Math.abs(offset) < 1.25 && surface.footprint < 0.6) surface.blend(hex("#8a8378"), 0.6);
    this.#rails(surface, offset, across);
    return ids.railTrack;
  }

  #kerbStone(surface: Surface, along: number): number {
    surface.paint(this.#kerb);
    const joint = along - Math.floor(along);
    if (joint < 0.03 && surface.footprint < 0.1) surface.dim(0.6);
    surface.dim(0.9 + 0.2 * hash(Math.floor(along), 3, this.#seed));
    return ids.sidewalk;
  }

  #sidewalk(surface: Surface, s: number, d: number): number {
    const { x, y, footprint } = surface;
    surface.paint(this.#slab);
    surface.dim(0.85 + 0.3 * fractalNoise(x * 0.6, y * 0.6, this.#seed + 41, 3));
    if (footprint < 0.3) {
      const row = Math.floor(s / 0.5);
      const [fs, fd] = [s / 0.5 - row, d / 0.5 + (row & 1) * 0.5];
      const stone = Math.floor(fd);
      const joint = Math.min(fs, 1 - fs, fd - stone, stone + 1 - fd) < 0.035 + footprint * 0.15;
      const fade = 1 - footprint / 0.3;
      surface.dim(1 + (hash(row, stone, this.#seed) - 0.5) * 0.22 * fade);
      if (joint) surface.dim(1 - 0.35 * fade);
    }
    if (surface.wet > 0) this.#soak(surface, x, y, 0.6);
    return ids.sidewalk;
  }

  #meadow(surface: Surface): number {
    const { x, y, footprint } = surface;
    const patch = fractalNoise(x * 0.25, y * 0.25, this.#seed + 51, 3);
    surface.paint(this.#grass);
    surface.blend(patch > 0.62 ? soil : straw, Math.min(1, Math.max(0, (patch - 0.4) * 3)));
    const blades = noise(x * 18, y * 18, this.#seed + 52) * 0.6 + noise(x * 6, y * 6, this.#seed + 53) * 0.4;
    surface.dim(1 + (blades - 0.5) * 1.1 * Math.max(0.25, 1 - footprint / 0.6));
    return ids.terrain;
  }

  /** Water darkens and, where puddles gather, mirrors. */
  #soak(surface: Surface, x: number, y: number, share: number): void {
    const puddle = fractalNoise(x * 0.5, y * 0.25, this.#seed + 61, 2);
    surface.dim(1 - 0.42 * surface.wet * share);
    surface.gloss = surface.wet * share * (0.14 + 0.5 * Math.min(1, Math.max(0, (puddle - 0.45) * 5)));
  }
}

function lines(street: Street): Line[] {
  const { plan } = street;
  const found: Line[] = [];
  if (plan.median === 0 && plan.rails.length === 0) {
    if (plan.centreLine === "double") found.push({ d: -0.14, half: 0.06 }, { d: 0.14, half: 0.06 });
    if (plan.centreLine === "dashed") found.push({ d: 0, half: 0.07, period: 9, painted: 4 });
  }
  for (const side of [-1, 1] as const) {
    const lanes = side < 0 ? plan.lanesLeft : plan.lanesRight;
    for (let i = 1; i < lanes; i++)
      found.push({ d: side * (plan.median / 2 + i * plan.laneWidth), half: 0.07, period: 9, painted: 3.5 });
    const parking = side < 0 ? plan.parkingLeft : plan.parkingRight;
    const edge = street.edge(side) - side * parking;
    if (parking > 0) found.push({ d: edge, half: 0.05, period: 6, painted: 5.2 });
    else if (plan.edgeLines) found.push({ d: edge - side * 0.35, half: 0.08 });
    if (plan.edgeLines && plan.median > 0) found.push({ d: side * (plan.median / 2 + 0.35), half: 0.08 });
    if (side > 0 && plan.cycleLane) found.push({ d: edge - 1.6, half: 0.07, period: 3, painted: 1.5 });
  }
  return found;
}
