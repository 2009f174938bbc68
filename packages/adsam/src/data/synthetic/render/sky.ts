import { smoothstep } from "../colour.js";
import type { Conditions } from "../conditions.js";
import { fractalNoise } from "../noise.js";

/** Colour of the sky in a direction (not necessarily of unit length), written to `out`. */
export function skyColour(
  conditions: Conditions,
  dx: number,
  dy: number,
  dz: number,
  detail: boolean,
  out: Float64Array,
): void {
  const length = Math.sqrt(dx * dx + dy * dy + dz * dz);
  const x = dx / length;
  const y = dy / length;
  const z = Math.max(0, dz / length);
  const { zenith, horizon, cloud, sun, cloudiness, night } = conditions;
  const up = z ** 0.55;
  for (let i = 0; i < 3; i++) out[i] = horizon[i]! + (zenith[i]! - horizon[i]!) * up;
  if (detail && cloudiness > 0) {
    const scale = 1 / (z + 0.12);
    const billow = fractalNoise(x * scale * 1.3, y * scale * 1.3, conditions.seed, 4);
    const cover = smoothstep(0.72 - cloudiness * 0.55, 0.95 - cloudiness * 0.4, billow) * smoothstep(0, 0.12, z) * 0.85;
    const lit = 0.82 + 0.3 * (1 - billow);
    for (let i = 0; i < 3; i++) out[i] = out[i]! + (cloud[i]! * lit - out[i]!) * cover;
  }
  if (conditions.sunColour[0] > 0 && night < 1) {
    const near = Math.max(0, x * sun[0] + y * sun[1] + z * sun[2]);
    const halo = 0.25 * near ** 12 + (near > 0.9995 ? 4 : 0) + 0.8 * near ** 220;
    for (let i = 0; i < 3; i++) out[i] = out[i]! + conditions.sunColour[i]! * halo * 0.7;
  }
  const haze =
    Math.exp(-z * 30) * Math.min(1, conditions.fogDensity * 40) +
    Math.exp(-z * 4) * Math.min(1, conditions.fogDensity * 25);
  const veil = Math.min(1, haze);
  for (let i = 0; i < 3; i++) out[i] = out[i]! + (conditions.fogColour[i]! - out[i]!) * veil * 0.8;
}
