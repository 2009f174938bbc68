import type { Conditions } from "../conditions.js";
import { hash } from "../noise.js";
import type { Frame } from "./shade.js";

/** Lens and sensor: blur, exposure, film curve, tint, vignette, noise; linear light → 8-bit sRGB, [H, W, 3]. */
export function develop(frame: Frame, conditions: Conditions): Uint8Array {
  const { width, height, light } = frame;
  blur(light, width, height, (conditions.blur * width) / 1000);
  const pixels = new Uint8Array(width * height * 3);
  const { exposure, contrast, tint, vignette, grain, seed } = conditions;
  const curve = filmCurve(contrast);
  const gain = tint.map((t) => t * exposure);
  for (let row = 0, at = 0; row < height; row++) {
    const dy = (row + 0.5) / height - 0.5;
    for (let column = 0; column < width; column++) {
      const dx = (column + 0.5) / width - 0.5;
      const dark = 1 - vignette * 2 * (dx * dx + dy * dy);
      const common = hash(column, row, seed) + hash(column, row, seed + 1) - 1;
      for (let i = 0; i < 3; i++, at++) {
        const value = Math.min(curve.length - 1, Math.max(0, Math.round(light[at]! * gain[i]! * dark * curveSteps)));
        const own = hash(at, 7, seed) + hash(at, 8, seed) - 1;
        // Sums of two uniforms have a standard deviation of 0.41.
        const noisy = curve[value]! + grain * (common * 1.7 + own * 1.7);
        pixels[at] = Math.max(0, Math.min(255, Math.round(noisy)));
      }
    }
  }
  return pixels;
}

const curveSteps = 2048;

/** Shoulder for bright light, sRGB transfer, contrast about the middle; a table over light from 0 to 4. */
function filmCurve(contrast: number): Float32Array {
  const table = new Float32Array(curveSteps * 4);
  for (let i = 0; i < table.length; i++) {
    const x = i / curveSteps;
    const soft = x < 0.5 ? x : 0.5 + 0.5 * (1 - Math.exp(-(x - 0.5) / 0.5));
    const srgb = soft <= 0.0031308 ? 12.92 * soft : 1.055 * soft ** (1 / 2.4) - 0.055;
    table[i] = 255 * (0.5 + (srgb - 0.5) * contrast);
  }
  return table;
}

/** Separable Gaussian; below a third of a pixel nothing is left to blur. */
function blur(light: Float32Array, width: number, height: number, sigma: number): void {
  if (sigma < 0.33) return;
  const reach = Math.max(1, Math.ceil(sigma * 2));
  const kernel = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)));
  const total = kernel.reduce((sum, k) => sum + k, 0);
  const weights = kernel.map((k) => k / total);
  const line = new Float32Array(Math.max(width, height) * 3);
  const pass = (count: number, start: number, step: number): void => {
    for (let i = 0; i < count; i++) for (let c = 0; c < 3; c++) line[i * 3 + c] = light[start + i * step + c]!;
    for (let i = 0; i < count; i++) {
      let [red, green, blue] = [0, 0, 0];
      for (let k = -reach; k <= reach; k++) {
        const from = Math.min(count - 1, Math.max(0, i + k)) * 3;
        const weight = weights[k + reach]!;
        red += line[from]! * weight;
        green += line[from + 1]! * weight;
        blue += line[from + 2]! * weight;
      }
      const to = start + i * step;
      light[to] = red;
      light[to + 1] = green;
      light[to + 2] = blue;
    }
  };
  for (let row = 0; row < height; row++) pass(width, row * width * 3, 3);
  for (let column = 0; column < width; column++) pass(height, column * 3, width * 3);
}
