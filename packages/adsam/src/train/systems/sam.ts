import { SamBaseline } from "../../models/sam-baseline.js";
import { samGroups } from "./sam-groups.js";
import type { System } from "./system.js";

export const samSystem: System = {
  title: "SAM, the paper's baseline",
  ...samGroups,
  build: (_, { numClasses, encoderUse }) => new SamBaseline({ numClasses, ...encoderUse }),
};
