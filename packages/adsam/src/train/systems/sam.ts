import { SamBaseline } from "../../models/sam-baseline.js";
import { samGroups } from "./sam-groups.js";
import type { System } from "./system.js";

export const samSystem: System = {
  ...samGroups,
  build: (_, { numClasses, encoderUse }) => new SamBaseline({ numClasses, ...encoderUse }),
};
