/** Hashes and value noise for textures: integer arithmetic, so a seed gives the same numbers on every machine. */
import type { Random } from "../random.js";

/** A seed for textures. */
export const textureSeed = (random: Random): number => random.below(0x7fffffff);

/** One side or the other. */
export const randomSide = (random: Random): 1 | -1 => (random.chance(0.5) ? 1 : -1);

/** Hash of two whole numbers and a seed, uniform in [0, 1). */
export function hash(x: number, y: number, seed: number): number {
  let h = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 15), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 4294967296;
}

/** Smooth value noise over the plane with a grid of one unit, in [0, 1). */
export function noise(x: number, y: number, seed: number): number {
  const ix = Math.floor(x);
  const iy = Math.floor(y);
  const fx = x - ix;
  const fy = y - iy;
  const sx = fx * fx * (3 - 2 * fx);
  const sy = fy * fy * (3 - 2 * fy);
  const top = hash(ix, iy, seed) * (1 - sx) + hash(ix + 1, iy, seed) * sx;
  const bottom = hash(ix, iy + 1, seed) * (1 - sx) + hash(ix + 1, iy + 1, seed) * sx;
  return top * (1 - sy) + bottom * sy;
}

/** Sum of `octaves` noises, each twice as fine and half as strong, in [0, 1). */
export function fractalNoise(x: number, y: number, seed: number, octaves: number): number {
  let sum = 0;
  let weight = 0.5;
  let scale = 1;
  for (let i = 0; i < octaves; i++) {
    sum += weight * noise(x * scale, y * scale, seed + i);
    weight *= 0.5;
    scale *= 2;
  }
  return sum / (1 - weight * 2);
}
