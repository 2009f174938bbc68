import type { Conditions } from "../conditions.js";
import type { Surface } from "../materials/surface.js";
import { GroundMap } from "./ground-map.js";
import { contactMap, SunShadows } from "./shadows.js";
import type { Lamp, Stage } from "./stage.js";

const reach = { left: -40, right: 40, near: -6, far: 110, cell: 0.5 };

/** All light that falls on a sample: sky and ground, sun with its shadows, lamps, and the dark where things touch the ground. */
export class Lighting {
  readonly light = new Float64Array(3);
  readonly #conditions: Conditions;
  readonly #shadows: SunShadows | undefined;
  readonly #contact: GroundMap;
  readonly #lamps: readonly [GroundMap, GroundMap, GroundMap] | undefined;

  constructor(stage: Stage, conditions: Conditions) {
    this.#conditions = conditions;
    this.#shadows = conditions.sunColour[0] > 0 ? new SunShadows(stage.prims, conditions.sun) : undefined;
    this.#contact = contactMap(stage.contacts);
    this.#lamps = conditions.night > 0 ? lampMaps(stage.lamps, conditions.night) : undefined;
  }

  /** Sets `light` for a surface; `onGround` takes the contact shadows, `bias` keeps a surface from shading itself. */
  fall(surface: Surface, onGround: boolean, bias: number): void {
    const { sun, sunColour, skyLight, groundLight } = this.#conditions;
    const { x, y, z, nx, ny, nz } = surface;
    const up = 0.5 + 0.5 * nz;
    let open = 1;
    if (onGround) open = 1 - 0.72 * this.#contact.at(x, y);
    else if (z < 1.5) open = 0.72 + 0.28 * (z / 1.5);
    let direct = nx * sun[0] + ny * sun[1] + nz * sun[2];
    if (direct > 0 && this.#shadows) direct *= this.#shadows.at(x, y, z, bias);
    else direct = 0;
    const light = this.light;
    for (let i = 0; i < 3; i++)
      light[i] = (skyLight[i]! * up + groundLight[i]! * (1 - up)) * open + sunColour[i]! * direct;
    if (this.#lamps) {
      const facing = onGround ? 1 : 0.75 - 0.25 * nz;
      const fade = z > 6 ? Math.exp(-(z - 6) * 0.35) : 1;
      for (let i = 0; i < 3; i++)
        light[i] = light[i]! + this.#lamps[i]!.at(x, y) * facing * fade * (onGround ? open : 1);
    }
  }
}

/** Street lamps light a pool around their foot, head lamps a cone ahead. */
function lampMaps(lamps: readonly Lamp[], night: number): [GroundMap, GroundMap, GroundMap] {
  const maps: [GroundMap, GroundMap, GroundMap] = [new GroundMap(reach), new GroundMap(reach), new GroundMap(reach)];
  for (const { at, colour, power, aim } of lamps) {
    if (power === 0) continue;
    const [sin, cos] = aim === undefined ? [0, 0] : [Math.sin(aim), Math.cos(aim)];
    maps[0].around(at[0], at[1], aim === undefined ? 22 : 45, (index, cx, cy) => {
      const [dx, dy] = [cx - at[0], cy - at[1]];
      const square = dx * dx + dy * dy + at[2] * at[2];
      let strength = (power * night) / square;
      if (aim === undefined) strength *= at[2] / Math.sqrt(square);
      else {
        const ahead = dx * sin + dy * cos;
        if (ahead <= 0.3) return;
        const off = Math.abs(dx * cos - dy * sin) / ahead;
        strength *= Math.exp(-off * off * 7) * Math.min(1, ahead / 4);
      }
      for (let i = 0; i < 3; i++) maps[i]!.values[index] = maps[i]!.values[index]! + strength * colour[i]!;
    });
  }
  return maps;
}
