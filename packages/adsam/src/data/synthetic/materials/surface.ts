import type { Colour } from "../colour.js";

/**
 * One sample of a visible surface on its way to a colour. The renderer fills the upper half, the material the lower half.
 * One object is reused for all samples: a material must not keep it.
 */
export class Surface {
  /** Coordinates on the primitive, metres. */
  u = 0;
  v = 0;
  /** World position, metres. */
  x = 0;
  y = 0;
  z = 0;
  /** Unit normal towards the camera. */
  nx = 0;
  ny = 0;
  nz = 0;
  /** Size of a sample on the surface, metres: detail finer than this is noise. */
  footprint = 0;
  /** 0 by day … 1 at night: lit windows and lamps ask. */
  night = 0;
  /** 0 dry … 1 wet. */
  wet = 0;

  /** Diffuse reflectance. */
  red = 0;
  green = 0;
  blue = 0;
  /** Light given off. */
  glowRed = 0;
  glowGreen = 0;
  glowBlue = 0;
  /** Mirror-like share at normal incidence, 0 … 1. */
  gloss = 0;

  paint(colour: Colour, factor = 1): void {
    this.red = colour[0] * factor;
    this.green = colour[1] * factor;
    this.blue = colour[2] * factor;
  }

  dim(factor: number): void {
    this.red *= factor;
    this.green *= factor;
    this.blue *= factor;
  }

  blend(colour: Colour, t: number): void {
    this.red += (colour[0] - this.red) * t;
    this.green += (colour[1] - this.green) * t;
    this.blue += (colour[2] - this.blue) * t;
  }

  glow(colour: Colour, strength: number): void {
    this.glowRed += colour[0] * strength;
    this.glowGreen += colour[1] * strength;
    this.glowBlue += colour[2] * strength;
  }
}

export type Material = (surface: Surface) => void;
