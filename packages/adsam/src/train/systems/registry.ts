import type { Recipe } from "../recipe-schema.js";
import { adSamSystem } from "./ad-sam.js";
import { deepLabV3System } from "./deeplabv3.js";
import { gSamSystem } from "./g-sam.js";
import type { SystemName } from "./names.js";
import { samSystem } from "./sam.js";
import type { System } from "./system.js";

/** `model.name` → the system. A new one is a file here and its recipe's beside it, a name in `names.ts`, and a line below and in `own-recipes.ts`. */
const systems: Readonly<Record<SystemName, System>> = {
  "ad-sam": adSamSystem,
  sam: samSystem,
  "g-sam": gSamSystem,
  deeplabv3: deepLabV3System,
};

export function systemOf({ model }: Pick<Recipe, "model">): System {
  return systems[model.name];
}
