import type { Colour } from "../colour.js";
import { fractalNoise, hash, noise } from "../noise.js";
import type { Material, Surface } from "./surface.js";

/** One colour all over. */
export function matte(colour: Colour, gloss = 0): Material {
  return (surface) => {
    surface.paint(colour);
    surface.gloss = gloss;
  };
}

/** Cloth, plaster, concrete: one colour with soft uneven spots of `scale` metres. */
export function mottled(colour: Colour, scale: number, strength: number, seed: number): Material {
  return (surface) => {
    surface.paint(colour);
    surface.dim(1 + (fractalNoise(surface.u / scale, surface.v / scale, seed, 3) - 0.5) * 2 * strength);
  };
}

/** Window glass: dark inside, mirrors the sky. */
export const glass: Material = (surface) => {
  surface.red = 0.02;
  surface.green = 0.025;
  surface.blue = 0.03;
  surface.gloss = 0.18;
};

/** A lamp that glows: `day` and `night` are its brightness then, in units of a sunlit wall. */
export function lampGlass(colour: Colour, day: number, night: number): Material {
  return (surface) => {
    surface.paint(colour, 0.6);
    surface.gloss = 0.08;
    surface.glow(colour, day + (night - day) * surface.night);
  };
}

/** Bricks 24 × 8 cm with joints. */
export function bricks(colour: Colour, seed: number): Material {
  return (surface) => brickwork(surface, colour, seed);
}

export function brickwork(surface: Surface, colour: Colour, seed: number): void {
  const { u, v, footprint } = surface;
  surface.paint(colour);
  surface.dim(0.88 + 0.24 * noise(u * 0.7, v * 0.7, seed));
  if (footprint > 0.08) return;
  const row = Math.floor(v / 0.08);
  const across = u / 0.24 + (row & 1) * 0.5;
  const brick = Math.floor(across);
  const fade = 1 - footprint / 0.08;
  surface.dim(1 + (hash(brick, row, seed) - 0.5) * 0.4 * fade);
  if (v / 0.08 - row < 0.14 || across - brick < 0.06) surface.dim(1 + 0.35 * fade);
}

/** Rough stones of about 40 cm, for old walls. */
export function fieldstone(colour: Colour, seed: number): Material {
  return (surface) => {
    const row = Math.floor(surface.v / 0.3);
    const shifted = surface.u / 0.5 + hash(row, 0, seed);
    const stone = Math.floor(shifted);
    surface.paint(colour);
    surface.dim(0.75 + 0.5 * hash(stone, row, seed));
    surface.dim(0.85 + 0.3 * noise(surface.u * 9, surface.v * 9, seed));
    const edge = Math.min(
      shifted - stone,
      stone + 1 - shifted,
      (surface.v / 0.3 - row) * 0.7,
      (row + 1 - surface.v / 0.3) * 0.7,
    );
    if (edge < 0.06 && surface.footprint < 0.1) surface.dim(0.6);
  };
}

/** Concrete slabs of a noise barrier or retaining wall, stained by rain; some are painted over. */
export function concreteWall(colour: Colour, graffiti: Colour | undefined, seed: number): Material {
  return (surface) => {
    const { u, v } = surface;
    surface.paint(colour);
    surface.dim(0.82 + 0.36 * fractalNoise(u * 0.9, v * 0.35, seed, 3));
    const panel = u / 2.5 - Math.floor(u / 2.5);
    if (panel < 0.015 + surface.footprint * 0.2) surface.dim(0.6);
    if (graffiti && v < 1.8 && v > 0.3 && fractalNoise(u * 0.8, v * 1.3, seed + 7, 2) > 0.6)
      surface.blend(graffiti, 0.75);
  };
}
