import { ids } from "../classes.js";
import { type Colour, hex, mixed } from "../colour.js";
import { glass, matte } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import { fractalNoise, hash, type Random } from "../random.js";
import type { Place, Stage } from "../render/stage.js";
import { headlamp, tailLamp, wheel } from "./car.js";

const black = matte(hex("#17181a"));
const steel = matte(hex("#55595d"), 0.05);

/** A lorry: cab, chassis and a box, curtain or tipper body; about 8 × 2.5 × 3.5 m. */
export function truck(stage: Stage, place: Place, random: Random): void {
  stage.moveTo(place, ids.truck);
  const length = random.range(6.5, 10);
  const half = 1.25;
  const cabLength = 2.1;
  const cabHeight = random.range(2.7, 3.3);
  stage.contact(half, length / 2);
  const cabColour = random.pick(["#e6e6e4", "#a92a22", "#2a4d8c", "#d8a423", "#2f6a4a", "#d86f22"].map(hex));
  const cabPaint = matte(cabColour, 0.05);
  const nose = length / 2;
  const cabBack = nose - cabLength;
  // Cab: upright front, raked windscreen.
  stage.box([0, nose - cabLength / 2], half * 2, cabLength, 0.55, cabHeight, cabPaint);
  stage.panel([-half * 0.92, nose + 0.012], [half * 0.92, nose + 0.012], 1.55, cabHeight - 0.35, glass, {
    casts: false,
  });
  stage.panel([-half * 0.7, nose + 0.012], [half * 0.7, nose + 0.012], 0.75, 1.35, black, { casts: false });
  for (const side of [-1, 1] as const) {
    const x = side * (half + 0.012);
    stage.panel([x, cabBack + 0.75], [x, nose - 0.15], 1.6, cabHeight - 0.5, glass, { casts: false });
    stage.panel([side * half * 0.66, nose + 0.02], [side * half * 0.92, nose + 0.02], 0.72, 0.92, headlamp, {
      casts: false,
    });
    stage.lamp([side * half * 0.8, nose, 0.8], hex("#fff3d8"), 6, 1, true);
    stage.box([side * (half + 0.16), nose - 0.1], 0.16, 0.12, 1.6, 2.2, black);
    for (const y of [nose - 0.85, -length / 2 + 1.1, ...(length > 8 ? [-length / 2 + 2.2] : [])])
      wheel(stage, side * (half + 0.01), y, 0.5, side);
    stage.panel([side * half * 0.96, -length / 2 + 1.9], [side * half * 0.96, nose - 1.6], 0.45, 0.85, steel);
  }
  stage.box([0, (cabBack - length / 2) / 2], 1.1, cabBack + length / 2, 0.6, 0.95, black);
  load(stage, half, -length / 2, cabBack - 0.15, cabColour, random);
  rearEnd(stage, half, -length / 2, 0.62, 0.88);
}

function load(stage: Stage, half: number, back: number, front: number, cabColour: Colour, random: Random): void {
  const [middle, length] = [(back + front) / 2, front - back];
  const kind = random.pick(["box", "box", "curtain", "tipper", "tank"] as const);
  if (kind === "tipper") {
    stage.box(
      [0, middle],
      half * 2,
      length,
      0.98,
      2.2,
      ribbed(mixed(cabColour, hex("#7a6a45"), 0.5), 0.8),
      matte(hex("#6f5c44")),
    );
    return;
  }
  if (kind === "tank") {
    const skin = matte(hex("#b9bdbf"), 0.12);
    for (let i = 0; i < 10; i++) {
      const [a, b] = [(i * Math.PI) / 5, ((i + 1) * Math.PI) / 5];
      const at = (angle: number): [number, number] => [Math.cos(angle) * half * 0.95, 2.05 + Math.sin(angle) * 1.05];
      const [[x0, z0], [x1, z1]] = [at(a), at(b)];
      stage.polygon(
        [
          [x0, back, z0],
          [x0, front, z0],
          [x1, front, z1],
          [x1, back, z1],
        ],
        skin,
      );
    }
    stage.polygon(
      Array.from(
        { length: 10 },
        (_, i) => [Math.cos((i * Math.PI) / 5) * half * 0.95, back, 2.05 + Math.sin((i * Math.PI) / 5) * 1.05] as const,
      ),
      skin,
    );
    return;
  }
  const body = random.pick(["#f0f0ec", "#f0f0ec", "#d6d8da", "#2d5b96", "#c9372c", "#e0b432", "#3f7d54"].map(hex));
  const stripe = random.pick(["#c22a22", "#1f4d96", "#e08a1e", "#2d7a46", "#303438"].map(hex));
  const seed = random.seed();
  const sheet = ribbed(body, kind === "curtain" ? 0.5 : 1.2);
  const side: Material = (surface) => {
    sheet(surface);
    const [u, v] = [surface.u / length, (surface.v - 0) / 2.5];
    if (v < 0.09 || v > 0.95) surface.dim(0.75);
    const sign = Math.abs(v - 0.55) < 0.16 && u > 0.15 && u < 0.8;
    if (
      sign &&
      hash(Math.floor(surface.u / 0.45), 1, seed) > 0.3 &&
      fractalNoise(surface.u * 3, surface.v * 3, seed, 2) > 0.35
    )
      surface.paint(stripe);
    if (v > 0.12 && v < 0.2) surface.paint(stripe);
  };
  const ends: Material = (surface) => {
    surface.paint(body);
    if (Math.abs(surface.u - half) < 0.025 || surface.v < 0.1 || surface.v > 2.4) surface.dim(0.5);
    if (surface.v > 0.15 && surface.v < 0.3 && Math.floor(surface.u / 0.3) % 2 === 0) surface.paint(hex("#b8281e"));
    surface.gloss = 0.02;
  };
  stage.box([0, middle], half * 2, length, 0.98, random.range(3.3, 3.8), side, matte(body), ends);
}

function ribbed(colour: Colour, spacing: number): Material {
  return (surface) => {
    surface.paint(colour);
    const rib = surface.u / spacing - Math.floor(surface.u / spacing);
    if (rib < 0.06 + (surface.footprint / spacing) * 0.5) surface.dim(0.78);
    surface.gloss = 0.02;
  };
}

function rearEnd(stage: Stage, half: number, y: number, low: number, high: number): void {
  stage.panel([-half, y - 0.012], [half, y - 0.012], low - 0.2, high, black, { casts: false });
  stage.panel([-0.26, y - 0.024], [0.26, y - 0.024], low, low + 0.12, matte(hex("#e3e0d2")), { casts: false });
  for (const side of [-1, 1]) {
    stage.panel([side * half * 0.68, y - 0.024], [side * half * 0.96, y - 0.024], low, low + 0.17, tailLamp, {
      casts: false,
    });
    stage.lamp([side * half * 0.82, y - 0.05, low + 0.1], hex("#ff2a1a"), 0.25, 0.35);
  }
}

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

function pane(surface: Parameters<Material>[0]): void {
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
  stage.panel([half, y0], [half, y1], floor, height, right);
  stage.panel([-half, y0], [-half, y1], floor, height, left);
  stage.polygon(
    [
      [-half, y0, height],
      [half, y0, height],
      [half, y1, height],
      [-half, y1, height],
    ],
    roof,
  );
  stage.box([0, -length * 0.15], 1.7, length * 0.35, height, height + 0.25, roof);
  face(stage, half, y1, 1, floor, height, livery, random);
  face(stage, half, y0, -1, floor, height, livery, random);
  for (const side of [-1, 1] as const)
    for (const y of [y1 - 2.6, y0 + 2.7]) wheel(stage, side * (half + 0.01), y, 0.48, side);
}

/** Front (`end` +1) or rear (−1) of a bus or tram. */
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
  stage.panel([-half, y], [half, y], floor, height, matte(livery.body, 0.05));
  stage.panel([-half, out(1)], [half, out(1)], floor, 0.6, matte(livery.skirt), { casts: false });
  const sill = end > 0 ? 1.15 : 1.6;
  stage.panel([-half * 0.93, out(1)], [half * 0.93, out(1)], sill, height - 0.55, pane, { casts: false });
  stage.panel([-half * 0.03, out(2)], [half * 0.03, out(2)], sill, height - 0.55, black, { casts: false });
  // Line number and destination in amber.
  const seed = random.seed();
  const text: Material = (surface) => {
    surface.paint([0.015, 0.015, 0.015]);
    const on =
      hash(Math.floor(surface.u / 0.11), 3, seed) > 0.3 &&
      hash(Math.floor(surface.u / 0.045), Math.floor(surface.v / 0.06), seed) > 0.35;
    if (on && surface.v > 0.06 && surface.v < 0.28) surface.glow(hex("#ffae2b"), 0.7);
  };
  stage.panel([-half * 0.75, out(2)], [half * 0.75, out(2)], height - 0.45, height - 0.1, text, { casts: false });
  stage.panel([-0.26, out(2)], [0.26, out(2)], 0.62, 0.74, matte(hex("#e3e0d2")), { casts: false });
  const lamp = end > 0 ? headlamp : tailLamp;
  for (const side of [-1, 1]) {
    stage.panel([side * half * 0.66, out(2)], [side * half * 0.93, out(2)], 0.78, 0.98, lamp, { casts: false });
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
  const cars = 2 + random.int(2);
  const carLength = random.range(7.5, 9.5);
  const total = cars * carLength + (cars - 1) * 0.5;
  const roof = matte(hex("#8d9296"));
  stage.contact(half, total / 2);
  for (let i = 0; i < cars; i++) {
    const y0 = -total / 2 + i * (carLength + 0.5);
    const y1 = y0 + carLength;
    const doors = [carLength * 0.27, carLength * 0.73];
    const skin = coachSide(livery, carLength, height, floor, doors);
    for (const side of [-1, 1]) {
      stage.panel([side * half, y0], [side * half, y1], floor, height - 0.2, skin);
      stage.polygon(
        [
          [side * half, y0, height - 0.2],
          [side * half, y1, height - 0.2],
          [side * (half - 0.3), y1, height],
          [side * (half - 0.3), y0, height],
        ],
        roof,
      );
    }
    stage.polygon(
      [
        [-half + 0.3, y0, height],
        [half - 0.3, y0, height],
        [half - 0.3, y1, height],
        [-half + 0.3, y1, height],
      ],
      roof,
    );
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
