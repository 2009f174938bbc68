import type { Random } from "../../random.js";
import { ids } from "../classes.js";
import { type Colour, hex, mixed } from "../colour.js";
import { glass, matte } from "../materials/simple.js";
import type { Material } from "../materials/surface.js";
import { fractalNoise, hash, textureSeed } from "../noise.js";
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
  const seed = textureSeed(random);
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

export function ribbed(colour: Colour, spacing: number): Material {
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
