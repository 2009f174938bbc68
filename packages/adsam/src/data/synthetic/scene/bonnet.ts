import { ids } from "../classes.js";
import type { Conditions } from "../conditions.js";
import { hash } from "../noise.js";
import type { Frame } from "../render/shade.js";

/** Lays the bonnet of the camera's own car over the lower edge: a flat arch that mirrors the sky; its label is ignored. */
export function drawBonnet(frame: Frame, share: number, seed: number, conditions: Conditions): void {
  if (share <= 0) return;
  const { width, height, light, labelIds, mirror, depth } = frame;
  const tone = 0.01 + 0.05 * hash(1, 1, seed) ** 2;
  const centre = width * (0.5 + (hash(2, 1, seed) - 0.5) * 0.06);
  for (let row = Math.floor(height * (1 - share * 1.05)); row < height; row++) {
    for (let column = 0; column < width; column++) {
      const off = (column + 0.5 - centre) / (width * 0.56);
      const edge = height * (1 - share * (1 - off * off * off * off * 0.9 - 0.1 * off * off));
      const inside = row + 0.5 - edge;
      if (inside <= -0.5) continue;
      const at = row * width + column;
      const cover = Math.min(1, inside + 0.5);
      const slope = Math.min(1, inside / (height * share));
      const shine = 0.16 * Math.exp(-slope * 5) + 0.05 + 0.05 * Math.exp(-((off * 2.4) ** 2));
      for (let i = 0; i < 3; i++) {
        const colour =
          tone * (conditions.skyLight[i]! + conditions.sunColour[i]! * 0.4) +
          shine * (conditions.horizon[i]! * 0.5 + conditions.skyLight[i]! * 0.5);
        light[at * 3 + i] = light[at * 3 + i]! * (1 - cover) + colour * cover;
      }
      mirror[at] = 0;
      if (inside > 0) {
        labelIds[at] = ids.egoVehicle;
        depth[at] = 1;
      }
    }
  }
}
