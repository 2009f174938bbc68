import type { Recipe } from "../recipe-schema.js";
import { adSamSystem } from "./ad-sam.js";
import type { SystemName } from "./names.js";
import { samSystem } from "./sam.js";
import type { System } from "./system.js";

/** `model.name` → the system. A new one is a file here, a name in `names.ts` and a line below. */
const systems: Record<SystemName, System> = { "ad-sam": adSamSystem, sam: samSystem };

export function systemOf({ model }: Pick<Recipe, "model">): System {
  return systems[model.name];
}
