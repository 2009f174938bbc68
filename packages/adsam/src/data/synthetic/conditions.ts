import type { Random } from "../random.js";
import { type Colour, hex, mixed, scaled } from "./colour.js";
import { textureSeed } from "./noise.js";
import type { Point } from "./render/stage.js";

export type Domain = "structured" | "diverse";

/** Light, weather and camera sensor. Nothing here moves an edge: the labels of a street are the same under all conditions. */
export interface Conditions {
  readonly name: string;
  /** Unit vector towards the sun, and its light; black where the sun is hidden. */
  readonly sun: Point;
  readonly sunColour: Colour;
  /** Light from above and from below. */
  readonly skyLight: Colour;
  readonly groundLight: Colour;
  readonly zenith: Colour;
  readonly horizon: Colour;
  readonly cloud: Colour;
  /** Share of the sky under cloud, 0 … 1. */
  readonly cloudiness: number;
  readonly fogColour: Colour;
  /** Extinction per metre. */
  readonly fogDensity: number;
  readonly night: number;
  readonly wet: number;
  readonly rain: number;
  readonly glare: number;
  readonly exposure: number;
  /** Standard deviation of sensor noise, in 8-bit steps. */
  readonly grain: number;
  /** Gaussian blur in thousandths of the picture width. */
  readonly blur: number;
  readonly vignette: number;
  readonly tint: Colour;
  readonly contrast: number;
  readonly seed: number;
}

export const weathers = ["clear", "overcast", "dusk", "night", "rain", "night-rain", "fog", "glare"] as const;
export type Weather = (typeof weathers)[number];

/** A day in a well-kept town: sun or thin cloud, a good camera. */
export function structuredConditions(random: Random): Conditions {
  return conditionsFor(random.chance(0.6) ? "clear" : "overcast", random, true);
}

export function diverseConditions(random: Random): Conditions {
  const weather = random.pick<Weather>([
    "clear",
    "overcast",
    "dusk",
    "night",
    "night",
    "rain",
    "night-rain",
    "fog",
    "glare",
    "glare",
  ]);
  return conditionsFor(weather, random, false);
}

export function conditionsFor(weather: Weather, random: Random, goodCamera: boolean): Conditions {
  const low = weather === "glare" || weather === "dusk";
  const elevation = low ? random.range(0.12, 0.3) : random.range(0.55, 1.0);
  const azimuth = weather === "glare" ? random.range(-0.35, 0.35) : random.range(-Math.PI, Math.PI);
  const sun: Point = [
    Math.sin(azimuth) * Math.cos(elevation),
    Math.cos(azimuth) * Math.cos(elevation),
    Math.sin(elevation),
  ];
  const clear: Conditions = {
    name: weather,
    sun,
    sunColour: scaled(hex("#fff2dc"), random.range(1.3, 1.7)),
    skyLight: scaled(hex("#bfd0ea"), random.range(0.5, 0.65)),
    groundLight: scaled(hex("#b8aa98"), 0.28),
    zenith: mixed(hex("#5f8fd0"), hex("#8fb4e0"), random.float()),
    horizon: mixed(hex("#cfe0ee"), hex("#e6ecef"), random.float()),
    cloud: hex("#f4f5f7"),
    cloudiness: random.range(0.1, 0.65),
    fogColour: hex("#cdd9e4"),
    fogDensity: random.range(0.0008, 0.0025),
    night: 0,
    wet: 0,
    rain: 0,
    glare: 0,
    exposure: random.range(0.9, 1.12),
    grain: goodCamera ? random.range(0.8, 2.2) : random.range(1.5, 5),
    blur: goodCamera ? random.range(0.5, 1) : random.range(0.6, 2),
    vignette: goodCamera ? 0.12 : random.range(0.1, 0.4),
    tint: goodCamera
      ? [random.range(0.93, 0.99), 1.0, random.range(0.9, 0.98)]
      : [random.range(0.92, 1.08), 1, random.range(0.9, 1.1)],
    contrast: goodCamera ? random.range(0.98, 1.1) : random.range(0.85, 1.2),
    seed: textureSeed(random),
  };
  const grey = mixed(hex("#c3c9cf"), hex("#e2e5e8"), random.float());
  const overcast: Conditions = {
    ...clear,
    sunColour: [0, 0, 0],
    skyLight: scaled(hex("#dfe4ea"), random.range(1.05, 1.4)),
    groundLight: scaled(hex("#b8b0a6"), 0.35),
    zenith: scaled(grey, 0.88),
    horizon: grey,
    cloud: scaled(grey, 0.78),
    cloudiness: random.range(0.3, 0.7),
    fogColour: scaled(grey, 0.95),
  };
  switch (weather) {
    case "clear":
      return clear;
    case "overcast":
      return overcast;
    case "rain":
      return {
        ...darker(overcast, random.range(0.45, 0.7)),
        wet: random.range(0.6, 1),
        rain: random.range(0.4, 1),
        fogDensity: random.range(0.004, 0.011),
        exposure: 1.05,
      };
    case "fog": {
      const veil = mixed(hex("#b9bfc4"), hex("#dcdfe0"), random.float());
      return {
        ...overcast,
        fogColour: veil,
        zenith: veil,
        horizon: veil,
        cloud: veil,
        fogDensity: random.range(0.016, 0.04),
        wet: random.range(0, 0.4),
        contrast: 0.95,
      };
    }
    case "dusk":
      return {
        ...clear,
        sunColour: scaled(hex("#ff9a4d"), random.range(0.3, 0.6)),
        skyLight: scaled(hex("#8f96b8"), 0.38),
        groundLight: scaled(hex("#8a7568"), 0.2),
        zenith: scaled(hex("#4c6796"), 0.8),
        horizon: mixed(hex("#f0b184"), hex("#d99a92"), random.float()),
        cloud: hex("#b08a92"),
        fogColour: hex("#c39f94"),
        night: random.range(0.3, 0.55),
        exposure: 1.15,
      };
    case "glare":
      return {
        ...clear,
        sunColour: scaled(hex("#ffd9a0"), random.range(0.9, 1.2)),
        skyLight: scaled(hex("#c2c2c8"), 0.4),
        zenith: mixed(hex("#87a6cf"), hex("#b3c0cf"), random.float()),
        horizon: hex("#f6e6c8"),
        cloud: hex("#fff3dd"),
        fogColour: hex("#e8dcc4"),
        fogDensity: random.range(0.003, 0.008),
        glare: random.range(0.6, 1),
        wet: random.chance(0.3) ? random.range(0.3, 0.7) : 0,
      };
    case "night":
    case "night-rain": {
      const sodium = random.chance(0.5);
      const wet = weather === "night-rain" ? random.range(0.6, 1) : random.chance(0.25) ? random.range(0.2, 0.6) : 0;
      return {
        ...clear,
        sunColour: [0, 0, 0],
        skyLight: scaled(hex(sodium ? "#7a6a62" : "#5c6884"), random.range(0.1, 0.17)),
        groundLight: scaled(hex("#6a6058"), 0.05),
        zenith: scaled(hex("#141a2c"), random.range(0.6, 1.2)),
        horizon: scaled(hex(sodium ? "#4a3c36" : "#2c3348"), random.range(0.8, 1.3)),
        cloud: scaled(hex("#2a2a34"), 0.9),
        fogColour: scaled(hex(sodium ? "#4a3f38" : "#2e3442"), 0.8),
        fogDensity: weather === "night-rain" ? random.range(0.004, 0.01) : random.range(0.001, 0.004),
        night: 1,
        wet,
        rain: weather === "night-rain" ? random.range(0.4, 1) : 0,
        exposure: random.range(1.4, 2.1),
        grain: random.range(3, 8),
        vignette: random.range(0.2, 0.45),
      };
    }
  }
}

function darker(conditions: Conditions, factor: number): Conditions {
  const { skyLight, groundLight, zenith, horizon, cloud, fogColour } = conditions;
  const dim = (colour: Colour): Colour => scaled(colour, factor);
  return {
    ...conditions,
    skyLight: dim(skyLight),
    groundLight: dim(groundLight),
    zenith: dim(zenith),
    horizon: dim(horizon),
    cloud: dim(cloud),
    fogColour: dim(fogColour),
  };
}
