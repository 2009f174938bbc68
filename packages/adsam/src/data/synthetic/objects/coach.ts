import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex, mixed } from "../colour.js";
import { matte } from "../materials/simple.js";
import type { Material, Surface } from "../materials/surface.js";
import { hash, textureSeed } from "../noise.js";
import type { Place, Point, Stage } from "../render/stage.js";
import { headlamp, tailLamp, wheel } from "./car.js";
import { ribbed } from "./truck.js";

const black = matte(hex("#17181a"));

interface Livery {
  readonly body: Colour;
  readonly band: Colour;
  readonly skirt: Colour;
}

/** Side of a bus or tram: skirt, body colour, window band with pillars, doors. */
function coachSide(livery: Livery, length: number, height: number, floor: number, doors: readonly number[]): Material {
  return (surface) => {
    const { u, v } = surface;
    const z = v + floor;
    surface.paint(z < 0.75 ? livery.skirt : z > height - 0.42 ? livery.body : z < 1.3 ? livery.body : livery.band);
    surface.gloss = 0.05;
    const door = doors.some((d) => Math.abs(u - d) < 0.65);
    if (door && z > 0.45 && z < height - 0.5) {
      const edge = doors.some((d) => Math.abs(u - d) < 0.04 || Math.abs(Math.abs(u - d) - 0.62) < 0.05);
      if (edge) return surface.paint(hex("#26282b"));
      return pane(surface);
    }
    if (z > 1.32 && z < height - 0.62 && u > 0.25 && u < length - 0.25) {
      const pillar = u / 1.45 - Math.floor(u / 1.45);
      if (pillar < 0.07) return surface.paint(hex("#1c1d20"));
      pane(surface);
    }
  };
}

function pane(surface: Surface): void {
  surface.paint([0.02, 0.024, 0.028]);
  surface.gloss = 0.17;
  if (surface.night > 0) {
    surface.glow(hex("#ffeccb"), 0.4 * surface.night);
    surface.gloss = 0.04;
  }
}

const busLiveries: readonly Livery[] = [
  ["#c3261f", "#b3221c", "#5a1512"],
  ["#e8c22a", "#d8b224", "#4a4436"],
  ["#2d5fa8", "#e8e8e6", "#20457c"],
  ["#e9e9e6", "#e9e9e6", "#8a8f94"],
  ["#3c8450", "#e4e6dc", "#2a5a38"],
  ["#e07a22", "#e8e4da", "#6a3c14"],
].map(([body, band, skirt]) => ({ body: hex(body!), band: hex(band!), skirt: hex(skirt!) }));

/** A city bus, about 11 × 2.5 × 3 m. */
export function bus(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.bus);
  const length = random.range(9.5, 12);
  const height = random.chance(0.2) ? 4.1 : random.range(2.95, 3.2);
  const [half, floor] = [1.26, 0.32];
  stage.contact(half, length / 2);
  const livery = random.pick(busLiveries);
  const [y0, y1] = [-length / 2, length / 2];
  const right = coachSide(livery, length, height, floor, [length - 1.2, length * 0.5]);
  const left = coachSide(livery, length, height, floor, []);
  const roof = matte(mixed(livery.body, hex("#dddddd"), 0.5));
  stage.panel([half, y0 + corner.along], [half, y1 - corner.along], floor, height, right);
  stage.panel([-half, y0 + corner.along], [-half, y1 - corner.along], floor, height, left);
  const [c, x] = [corner.along, half - corner.across];
  stage.polygon(
    [
      [-x, y0],
      [x, y0],
      [half, y0 + c],
      [half, y1 - c],
      [x, y1],
      [-x, y1],
      [-half, y1 - c],
      [-half, y0 + c],
    ].map(([a, b]) => [a!, b!, height] as const),
    roof,
  );
  stage.box([0, -length * 0.15], 1.7, length * 0.35, height, height + 0.25, roof);
  face(stage, half, y1, 1, floor, height, livery, random);
  face(stage, half, y0, -1, floor, height, livery, random);
  for (const side of [-1, 1] as const)
    for (const y of [y1 - 2.6, y0 + 2.7]) wheel(stage, side * (half + 0.01), y, 0.48, side);
}

/** How far the corners of a bus or tram are cut back, along and across. */
const corner = { along: 0.35, across: 0.24 };

/** Front (`end` +1) or rear (−1) of a bus or tram, with cut corners. */
function face(
  stage: Stage,
  half: number,
  y: number,
  end: 1 | -1,
  floor: number,
  height: number,
  livery: Livery,
  random: Random,
): void {
  const out = (n: number): number => y + end * 0.012 * n;
  const sill = end > 0 ? 1.15 : 1.6;
  const skin: Material = (surface) => {
    const z = surface.v + floor;
    if (z > sill && z < height - 0.55) {
      pane(surface);
      return;
    }
    surface.paint(z < 0.6 ? livery.skirt : livery.body);
    surface.gloss = 0.05;
  };
  const inner = half - corner.across;
  stage.panel([-inner, y], [inner, y], floor, height, skin);
  for (const side of [-1, 1])
    stage.panel([side * inner, y], [side * half, y - end * corner.along], floor, height, skin);
  stage.panel([-inner * 0.03, out(2)], [inner * 0.03, out(2)], sill, height - 0.55, black, { casts: false });
  // Line number and destination in amber.
  const seed = textureSeed(random);
  const text: Material = (surface) => {
    surface.paint([0.015, 0.015, 0.015]);
    const on =
      hash(Math.floor(surface.u / 0.11), 3, seed) > 0.3 &&
      hash(Math.floor(surface.u / 0.045), Math.floor(surface.v / 0.06), seed) > 0.35;
    if (on && surface.v > 0.06 && surface.v < 0.28) surface.glow(hex("#ffae2b"), 0.7);
  };
  stage.panel([-inner * 0.85, out(2)], [inner * 0.85, out(2)], height - 0.45, height - 0.1, text, { casts: false });
  stage.panel([-0.26, out(2)], [0.26, out(2)], 0.62, 0.74, matte(hex("#e3e0d2")), { casts: false });
  const lamp = end > 0 ? headlamp : tailLamp;
  for (const side of [-1, 1]) {
    stage.panel([side * inner * 0.68, out(2)], [side * inner * 0.98, out(2)], 0.78, 0.98, lamp, { casts: false });
    if (end > 0) stage.lamp([side * half * 0.8, y, 0.85], hex("#fff3d8"), 6, 1, true);
    else stage.lamp([side * half * 0.8, y - 0.05, 0.85], hex("#ff2a1a"), 0.25, 0.4);
    if (end > 0) stage.box([side * (half + 0.14), y + 0.2], 0.14, 0.12, 1.9, 2.5, black);
  }
}

const tramLiveries: readonly Livery[] = [
  ["#d9c22e", "#e9e6d8", "#45484c"],
  ["#b3231e", "#e8e4d6", "#4c4648"],
  ["#e9eaea", "#2f3438", "#6d7277"],
  ["#2c7a4b", "#ece8d8", "#3c4440"],
  ["#2a4f94", "#dfe3e6", "#33363c"],
].map(([body, band, skirt]) => ({ body: hex(body!), band: hex(band!), skirt: hex(skirt!) }));

/** A tram of two to three cars, about 25 × 2.4 × 3.5 m, its middle at the place. */
export function tram(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.train);
  const livery = random.pick(tramLiveries);
  const [half, floor, height] = [1.22, 0.22, 3.4];
  const cars = 2 + random.below(2);
  const carLength = random.range(7.5, 9.5);
  const total = cars * carLength + (cars - 1) * 0.5;
  const roof = matte(hex("#8d9296"));
  stage.contact(half, total / 2);
  for (let i = 0; i < cars; i++) {
    const y0 = -total / 2 + i * (carLength + 0.5);
    const y1 = y0 + carLength;
    const doors = [carLength * 0.27, carLength * 0.73];
    const skin = coachSide(livery, carLength, height, floor, doors);
    const rear = y0 + (i === 0 ? corner.along : 0);
    const front = y1 - (i === cars - 1 ? corner.along : 0);
    const inner = half - 0.3;
    const top = (x: number, y: number): Point => [x, y, height];
    for (const side of [-1, 1]) {
      const [x, low] = [side * half, height - 0.2];
      stage.panel([x, rear], [x, front], floor, low, skin);
      stage.polygon([[x, rear, low], [x, front, low], top(side * inner, front), top(side * inner, rear)], roof);
    }
    stage.polygon([top(-inner, y0), top(inner, y0), top(inner, y1), top(-inner, y1)], roof);
    stage.box([0, (y0 + y1) / 2], 1.5, carLength * 0.5, height, height + 0.35, roof);
    if (i + 1 < cars)
      stage.box([0, y1 + 0.25], half * 1.8, 0.5, floor + 0.1, height - 0.15, ribbed(hex("#2b2c2e"), 0.1));
    if (i > 0) stage.panel([-half, y0], [half, y0], floor, height - 0.2, black);
  }
  face(stage, half, total / 2, 1, floor, height - 0.1, livery, random);
  face(stage, half, -total / 2, -1, floor, height - 0.1, livery, random);
  const arm = matte(hex("#4a4d50"));
  stage.capsule([-0.5, 0, height + 0.3], [0, 0.9, height + 1.1], 0.035, arm);
  stage.capsule([0.5, 0, height + 0.3], [0, 0.9, height + 1.1], 0.035, arm);
  stage.capsule([0, 0.9, height + 1.1], [0, 0, height + 1.9], 0.035, arm);
  stage.capsule([-0.8, 0, height + 1.9], [0.8, 0, height + 1.9], 0.035, arm);
}
