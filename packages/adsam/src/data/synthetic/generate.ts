import { Problem } from "@adsam/torch/problem";
import { cityscapesLabels, idToTrainId } from "../labels.js";
import { Random } from "../random.js";
import { type Conditions, type Domain, diverseConditions, structuredConditions } from "./conditions.js";
import { Ground } from "./materials/ground.js";
import { Camera } from "./render/camera.js";
import { addGlare, addHalos, addRain, reflectGround } from "./render/effects.js";
import { develop } from "./render/sensor.js";
import { renderFrame } from "./render/shade.js";
import { Stage } from "./render/stage.js";
import { drawBonnet } from "./scene/bonnet.js";
import { buildFrontage } from "./scene/frontage.js";
import { furnish } from "./scene/furnish.js";
import { drawSetting } from "./scene/setting.js";
import { Street } from "./scene/street.js";
import { populate } from "./scene/traffic.js";

export interface SceneRequest {
  readonly domain: Domain;
  /** Whole number from 0; the same seed gives the same pixels on any machine. */
  readonly seed: number;
  /** 64 … 4096 pixels a side. */
  readonly size: { readonly width: number; readonly height: number };
  /** Light and weather to use instead of those the seed draws; labels do not depend on them. */
  readonly conditions?: Conditions;
}

export interface Scene {
  /** RGB, 8 bits, [H, W, 3]. */
  readonly image: Uint8Array;
  /** Train ids 0 … 18, 255 ignored, [H, W]. */
  readonly label: Uint8Array;
  /** Cityscapes labelIds of the same pixels, [H, W]. */
  readonly labelIds: Uint8Array;
  readonly size: { readonly width: number; readonly height: number };
  /** In words, e.g. `tramway, night-rain`. */
  readonly description: string;
}

/** Draws a street scene with the exact label of every pixel centre. Throws `Problem` for a size or seed it cannot draw. */
export function generateScene(request: SceneRequest): Scene {
  checkRequest(request);
  const { domain, seed, size } = request;
  const { width, height } = size;
  const setting = drawSetting(domain, new Random(seed, `${domain} setting`));
  const weather = new Random(seed, `${domain} weather`);
  const conditions =
    request.conditions ?? (domain === "structured" ? structuredConditions(weather) : diverseConditions(weather));
  const street = new Street(setting.plan);
  const camera = new Camera(setting.camera, size);
  const stage = new Stage(camera.position);
  buildFrontage(stage, street, setting, new Random(seed, `${domain} frontage`));
  furnish(stage, street, setting, new Random(seed, `${domain} furniture`));
  populate(stage, street, setting, new Random(seed, `${domain} traffic`));
  const frame = renderFrame(stage, new Ground(street), camera, conditions, size);
  if (conditions.wet > 0) reflectGround(frame, camera, conditions);
  drawBonnet(frame, setting.bonnet, setting.plan.seed, conditions);
  if (conditions.night > 0) addHalos(frame, camera, conditions, stage.lamps);
  if (conditions.glare > 0) addGlare(frame, camera, conditions);
  if (conditions.rain > 0) addRain(frame, conditions);
  const label = new Uint8Array(width * height);
  for (let i = 0; i < label.length; i++) label[i] = trainIdOf[frame.labelIds[i]!]!;
  return {
    image: develop(frame, conditions),
    label,
    labelIds: frame.labelIds,
    size: { width, height },
    description: `${setting.name}, ${conditions.name}`,
  };
}

const trainIdOf = idToTrainId(cityscapesLabels);

/** Throws `Problem` for a domain, seed or size that cannot be drawn. */
export function checkRequest({ domain, seed, size }: SceneRequest): void {
  if (domain !== "structured" && domain !== "diverse") {
    throw new Problem({
      what: "synthetic scene",
      found: `the domain ${JSON.stringify(domain)}`,
      expected: '"structured" or "diverse"',
    });
  }
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new Problem({ what: "synthetic scene", found: `the seed ${seed}`, expected: "a whole number from 0" });
  }
  const { width, height } = size;
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(value) || value < 64 || value > 4096) {
      throw new Problem({
        what: "synthetic scene",
        found: `the ${name} ${value}`,
        expected: "a whole number of pixels from 64 to 4096",
        todo: "Ask for a size such as 512×256.",
      });
    }
  }
}
