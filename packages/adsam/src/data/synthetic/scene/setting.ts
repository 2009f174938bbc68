import type { Random } from "../../random.js";
import type { Domain } from "../conditions.js";
import { randomSide, textureSeed } from "../noise.js";
import type { CameraPose } from "../render/camera.js";
import type { Roadside, StreetPlan } from "./street.js";

export type SettingName = "avenue" | "old-town" | "residential" | "tramway" | "industrial" | "highway" | "rural";

/** Everything about a place but what stands in it. */
export interface Setting {
  readonly name: SettingName;
  readonly plan: StreetPlan;
  readonly camera: CameraPose;
  /** Bonnet of the camera's own car: share of the picture's height it covers in the middle, 0 for none. */
  readonly bonnet: number;
}

const structuredSettings: readonly SettingName[] = [
  "avenue",
  "avenue",
  "old-town",
  "residential",
  "tramway",
  "tramway",
];
const diverseSettings: readonly SettingName[] = [
  "avenue",
  "old-town",
  "residential",
  "tramway",
  "industrial",
  "highway",
  "highway",
  "rural",
];

/** Orderly streets are straight or nearly so and seen by one well-mounted camera; the others bend, cross and tilt. */
export function drawSetting(domain: Domain, random: Random): Setting {
  const orderly = domain === "structured";
  const name = random.pick(orderly ? structuredSettings : diverseSettings);
  const plan = drawPlan(name, orderly, random);
  const lane = name === "highway" ? random.below(plan.lanesRight) : plan.lanesRight > 1 && random.chance(0.4) ? 1 : 0;
  const centre = plan.median / 2 + (lane + 0.5) * plan.laneWidth;
  const camera: CameraPose = orderly
    ? {
        x: centre + random.range(-0.25, 0.25),
        height: random.range(1.2, 1.35),
        focal: random.range(1.02, 1.14),
        pitch: random.range(0.015, 0.045),
        yaw: random.range(-0.03, 0.03),
        roll: random.range(-0.006, 0.006),
        shiftX: 0,
        shiftY: random.range(-0.03, 0),
      }
    : {
        x: centre + random.range(-0.5, 0.5),
        height: random.chance(0.2) ? random.range(1.9, 2.7) : random.range(1.05, 1.7),
        focal: random.range(0.68, 1.15),
        pitch: random.range(-0.05, 0.1),
        yaw: random.range(-0.16, 0.16),
        roll: random.range(-0.03, 0.03),
        shiftX: random.range(-0.03, 0.03),
        shiftY: random.range(-0.06, 0.06),
      };
  const bonnet = orderly ? random.range(0.05, 0.09) : random.chance(0.4) ? random.range(0.03, 0.13) : 0;
  return { name, plan, camera, bonnet };
}

function drawPlan(name: SettingName, orderly: boolean, random: Random): StreetPlan {
  const bend = orderly
    ? random.chance(0.35)
      ? random.range(1 / 900, 1 / 350)
      : 0
    : random.chance(0.6)
      ? random.range(1 / 500, 1 / 130)
      : 0;
  const crossing = random.chance(name === "highway" ? 0 : name === "rural" ? 0.2 : orderly ? 0.35 : 0.5)
    ? { s: random.range(18, 42), half: random.range(3.5, 6), walk: name === "rural" ? 0 : random.range(2, 3) }
    : undefined;
  const zebras: number[] = [];
  if (crossing && name !== "rural" && random.chance(0.8))
    zebras.push(crossing.s - crossing.half - 3.2, crossing.s + crossing.half + 3.2);
  else if (!crossing && name !== "highway" && name !== "rural" && random.chance(0.3)) zebras.push(random.range(12, 26));
  const side = (
    verge: readonly [number, number],
    walk: readonly [number, number],
    garden: readonly [number, number],
  ): Roadside => ({
    verge: random.range(...verge),
    walk: random.range(...walk),
    garden: random.range(...garden),
  });
  const town: StreetPlan = {
    curvature: bend * randomSide(random),
    laneWidth: random.range(3.1, 3.5),
    lanesLeft: 1,
    lanesRight: 1,
    median: 0,
    medianKind: "grass",
    parkingLeft: 2.1,
    parkingRight: 2.1,
    left: { verge: 0, walk: 3, garden: 0 },
    right: { verge: 0, walk: 3, garden: 0 },
    crossing,
    zebras,
    paving: "asphalt",
    centreLine: random.pick(["dashed", "dashed", "double", "none"] as const),
    edgeLines: false,
    rails: [],
    cycleLane: false,
    seed: textureSeed(random),
  };
  switch (name) {
    case "avenue": {
      const lanes = 1 + random.below(2);
      const median = random.chance(0.35) ? random.range(1.5, 4) : 0;
      const draw = (): Roadside => side([1.5, 3.2], [2.2, 3.6], random.chance(0.4) ? [2, 5] : [0, 0.5]);
      return {
        ...town,
        lanesLeft: lanes,
        lanesRight: lanes,
        median,
        left: draw(),
        right: draw(),
        parkingLeft: random.chance(0.6) ? 2.1 : 0,
        parkingRight: random.chance(0.6) ? 2.1 : 0,
        cycleLane: random.chance(0.35),
      };
    }
    case "old-town": {
      const draw = (): Roadside => side([0, 0], [2, 3.4], [0, 0]);
      return {
        ...town,
        laneWidth: random.range(2.8, 3.2),
        left: draw(),
        right: draw(),
        parkingLeft: random.chance(0.55) ? 2 : 0,
        parkingRight: random.chance(0.55) ? 2 : 0,
        paving: random.chance(0.45) ? "cobbles" : "asphalt",
        centreLine: "none",
      };
    }
    case "residential": {
      const draw = (): Roadside => side(random.chance(0.6) ? [1, 2.4] : [0, 0], [1.6, 2.4], [3, 7]);
      return {
        ...town,
        left: draw(),
        right: draw(),
        parkingLeft: random.chance(0.6) ? 2 : 0,
        parkingRight: random.chance(0.5) ? 2 : 0,
        centreLine: random.pick(["none", "dashed"] as const),
      };
    }
    case "tramway": {
      const apart = random.chance(0.5);
      const draw = (): Roadside =>
        side(random.chance(0.5) ? [1.2, 2.4] : [0, 0], [2.4, 4], random.chance(0.3) ? [2, 4] : [0, 0.4]);
      const parking = random.chance(0.4) ? 2.1 : 0;
      return {
        ...town,
        laneWidth: 3.3,
        lanesLeft: apart ? 1 : 2,
        lanesRight: apart ? 1 : 2,
        median: apart ? 7 : 0,
        medianKind: "rails",
        rails: apart ? [] : [-1.65, 1.65],
        left: draw(),
        right: draw(),
        parkingLeft: parking,
        parkingRight: parking,
        centreLine: "none",
      };
    }
    case "industrial": {
      const draw = (): Roadside => side([1, 3], [1.6, 2.2], [4, 9]);
      return {
        ...town,
        laneWidth: 3.6,
        left: draw(),
        right: draw(),
        parkingLeft: 0,
        parkingRight: random.chance(0.5) ? 2.6 : 0,
        paving: random.chance(0.4) ? "concrete" : "asphalt",
        edgeLines: true,
      };
    }
    case "highway": {
      const open: Roadside = { verge: 0, walk: 0, garden: random.range(5, 10) };
      const lanes = 2 + random.below(2);
      return {
        ...town,
        laneWidth: 3.7,
        lanesLeft: lanes,
        lanesRight: lanes,
        median: random.range(2, 5),
        left: open,
        right: { ...open, garden: random.range(5, 10) },
        parkingLeft: 0,
        parkingRight: 0,
        edgeLines: true,
        paving: random.chance(0.3) ? "concrete" : "asphalt",
      };
    }
    case "rural": {
      const open: Roadside = { verge: 0, walk: 0, garden: random.range(4, 8) };
      return {
        ...town,
        laneWidth: random.range(2.9, 3.4),
        left: open,
        right: open,
        parkingLeft: 0,
        parkingRight: 0,
        edgeLines: random.chance(0.6),
      };
    }
  }
}
