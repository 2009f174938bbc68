import { Random } from "../../random.js";
import type { Conditions } from "../conditions.js";
import type { Camera } from "./camera.js";
import type { Frame } from "./shade.js";
import { skyColour } from "./sky.js";
import type { Lamp } from "./stage.js";

/** Wet ground mirrors what stands on it: a ray from each wet pixel is followed over the depth picture. */
export function reflectGround(frame: Frame, camera: Camera, conditions: Conditions): void {
  const { width, height, light, depth, mirror } = frame;
  const source = light.slice();
  const random = new Random(conditions.seed, "ripples");
  const [ray, seen, sky] = [new Float64Array(3), new Float64Array(3), new Float64Array(3)];
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at++) {
      if (mirror[at]! <= 0) continue;
      camera.ray(column + 0.5, row + 0.5, ray);
      const z = depth[at]!;
      const length = Math.hypot(ray[0]!, ray[1]!, ray[2]!);
      const start = [camera.position[0] + ray[0]! * z, camera.position[1] + ray[1]! * z, 0.02];
      const rx = ray[0]! + (random.float() - 0.5) * 0.02;
      const rz = -ray[2]! * (1 + (random.float() - 0.5) * 0.35) + 0.004;
      skyColour(conditions, rx, ray[1]!, rz, false, sky);
      let [red, green, blue] = [sky[0]!, sky[1]!, sky[2]!];
      for (let t = 0.35 + 0.2 * random.float(); t < 90; t *= 1.32) {
        camera.toCamera(start[0]! + rx * t, start[1]! + ray[1]! * t, start[2]! + rz * t, seen);
        const px = Math.floor((seen[0]! / seen[2]!) * camera.focalPixels + camera.centreX);
        const py = Math.floor((seen[1]! / seen[2]!) * camera.focalPixels + camera.centreY);
        if (px < 0 || py < 0 || px >= width || py >= height) break;
        const hit = py * width + px;
        if (depth[hit]! < seen[2]! && mirror[hit] === 0) {
          // A lamp is mirrored by rough asphalt as a smear, not as sparks.
          red = Math.min(1.2, source[hit * 3]!);
          green = Math.min(1.2, source[hit * 3 + 1]!);
          blue = Math.min(1.2, source[hit * 3 + 2]!);
          break;
        }
      }
      const grazing = 1 - -ray[2]! / length;
      const share = mirror[at]! * (0.35 + 0.65 * grazing ** 3) * Math.exp(-conditions.fogDensity * z);
      light[at * 3] = light[at * 3]! * (1 - share) + red * share;
      light[at * 3 + 1] = light[at * 3 + 1]! * (1 - share) + green * share;
      light[at * 3 + 2] = light[at * 3 + 2]! * (1 - share) + blue * share;
    }
  }
}

/** Glow around lamps that the camera sees, wider in fog and rain. */
export function addHalos(frame: Frame, camera: Camera, conditions: Conditions, lamps: readonly Lamp[]): void {
  const { width, height, light, depth } = frame;
  const seen = new Float64Array(3);
  const moist = 1 + 2 * conditions.rain + Math.min(2, conditions.fogDensity * 60);
  for (const { at, colour, halo, aim } of lamps) {
    if (halo <= 0) continue;
    camera.toCamera(at[0], at[1], at[2], seen);
    if (seen[2]! < 1) continue;
    // A head lamp is bright only for those it shines at.
    const towards =
      aim === undefined
        ? 1
        : Math.max(0, Math.sin(aim) * (camera.position[0] - at[0]) + Math.cos(aim) * (camera.position[1] - at[1])) /
          Math.hypot(camera.position[0] - at[0], camera.position[1] - at[1]);
    const x = (seen[0]! / seen[2]!) * camera.focalPixels + camera.centreX;
    const y = (seen[1]! / seen[2]!) * camera.focalPixels + camera.centreY;
    const [px, py] = [Math.floor(x), Math.floor(y)];
    if (towards < 0.2 || px < 0 || py < 0 || px >= width || py >= height || depth[py * width + px]! < seen[2]! - 0.8)
      continue;
    const radius = Math.max(1.5, Math.min(width * 0.25, (halo * moist * camera.focalPixels) / (seen[2]! + 4)));
    const strength = conditions.night * towards * Math.exp(-conditions.fogDensity * seen[2]!) * 0.9;
    for (let row = Math.max(0, Math.floor(y - radius)); row <= Math.min(height - 1, y + radius); row++) {
      for (let column = Math.max(0, Math.floor(x - radius)); column <= Math.min(width - 1, x + radius); column++) {
        const r = Math.hypot(column + 0.5 - x, row + 0.5 - y) / radius;
        if (r >= 1) continue;
        const glow = strength * (1 - r) ** 3 * (0.35 + 1.2 * Math.exp(-r * r * 60));
        for (let i = 0; i < 3; i++) light[(row * width + column) * 3 + i]! += glow * colour[i]!;
      }
    }
  }
}

/** A low sun in the lens: a glow around it, a veil over everything, a few ghosts on the line through the centre. */
export function addGlare(frame: Frame, camera: Camera, conditions: Conditions): void {
  const { width, height, light } = frame;
  const [ex, ey, ez] = camera.position;
  const { sun, sunColour, glare } = conditions;
  const seen = new Float64Array(3);
  camera.toCamera(ex + sun[0], ey + sun[1], ez + sun[2], seen);
  if (seen[2]! <= 0.05) return;
  const x = (seen[0]! / seen[2]!) * camera.focalPixels + camera.centreX;
  const y = (seen[1]! / seen[2]!) * camera.focalPixels + camera.centreY;
  const ghosts = [0.5, -0.35, -0.8].map((t) => ({
    x: width / 2 + (x - width / 2) * t,
    y: height / 2 + (y - height / 2) * t,
    r: width * (0.015 + 0.03 * Math.abs(t)),
  }));
  for (let row = 0, at = 0; row < height; row++) {
    for (let column = 0; column < width; column++, at += 3) {
      const r = Math.hypot(column - x, row - y) / width;
      let glow = glare * (0.9 * Math.exp(-r * r * 90) + 0.42 * Math.exp(-r * 5) + 0.07);
      for (const ghost of ghosts) {
        const g = Math.hypot(column - ghost.x, row - ghost.y) / ghost.r;
        if (g < 1) glow += glare * 0.05 * (0.4 + 0.6 * g * g);
      }
      for (let i = 0; i < 3; i++) light[at + i]! += glow * sunColour[i]!;
    }
  }
}

/** Falling rain as short streaks, and drops on the windscreen that show the scene upside down and blurred. */
export function addRain(frame: Frame, conditions: Conditions): void {
  const { width, height, light } = frame;
  const random = new Random(conditions.seed, "rain");
  const source = light.slice();
  const slant = random.range(-0.25, 0.25);
  const drops = Math.round(conditions.rain * random.range(6, 40));
  for (let n = 0; n < drops; n++) {
    const [cx, cy, r] = [random.range(0, width), random.range(0, height), width * random.range(0.004, 0.014)];
    for (let row = Math.max(0, Math.floor(cy - r)); row <= Math.min(height - 1, cy + r); row++) {
      for (let column = Math.max(0, Math.floor(cx - r)); column <= Math.min(width - 1, cx + r); column++) {
        const d = Math.hypot(column - cx, row - cy) / r;
        if (d >= 1) continue;
        const fromX = Math.min(width - 1, Math.max(0, Math.round(cx - (column - cx) * 4)));
        const fromY = Math.min(height - 1, Math.max(0, Math.round(cy - (row - cy) * 6)));
        const mix = 0.75 * (1 - d ** 4);
        const rim = d > 0.75 ? 0.8 : 1.05;
        for (let i = 0; i < 3; i++) {
          const at = (row * width + column) * 3 + i;
          light[at] = light[at]! * (1 - mix) + source[(fromY * width + fromX) * 3 + i]! * mix * rim;
        }
      }
    }
  }
  const streaks = Math.round(conditions.rain * 500);
  const bright = 0.05 + 0.1 * (conditions.skyLight[1] + 0.2);
  for (let n = 0; n < streaks; n++) {
    const [x, y, length] = [random.range(0, width), random.range(-20, height), height * random.range(0.01, 0.06)];
    const strength = bright * random.range(0.15, 0.6);
    for (let t = 0; t < length; t++) {
      const [column, row] = [Math.floor(x + t * slant), Math.floor(y + t)];
      if (column < 0 || column >= width || row < 0 || row >= height) continue;
      for (let i = 0; i < 3; i++) light[(row * width + column) * 3 + i]! += strength;
    }
  }
}
