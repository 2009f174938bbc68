import { ids } from "../classes.js";
import type { Conditions } from "../conditions.js";
import type { Ground } from "../materials/ground.js";
import { Surface } from "../materials/surface.js";
import type { Camera } from "./camera.js";
import { Lighting } from "./lighting.js";
import type { Prim } from "./prim.js";
import { groundId, type PlaneCoordinates, type Projected, projectAll, Strip, samplesPerSide, skyId } from "./raster.js";
import { skyColour } from "./sky.js";
import type { Stage } from "./stage.js";

/** A rendered scene before the camera's own effects. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Linear light, [H, W, 3]. */
  readonly light: Float32Array;
  /** Metres along the view axis at pixel centres, infinite for sky, [H, W]. */
  readonly depth: Float32Array;
  /** Share of light that the surface mirrors, [H, W]; only the ground has it. */
  readonly mirror: Float32Array;
  /** Cityscapes labelIds at pixel centres, [H, W]. */
  readonly labelIds: Uint8Array;
}

const centreSample = (samplesPerSide * samplesPerSide - 1) / 2;
/** The order in which a pixel's nine samples are shaded. A pixel of one surface stops early, see `enough`. */
const order = [centreSample, 0, 8, 2, 6, 1, 3, 5, 7];
const stripPixels = 48;

/** Renders in bands of rows, so memory does not grow with nine samples a pixel. */
export function renderFrame(
  stage: Stage,
  ground: Ground,
  camera: Camera,
  conditions: Conditions,
  size: { width: number; height: number },
): Frame {
  const { width, height } = size;
  const frame: Frame = {
    width,
    height,
    light: new Float32Array(width * height * 3),
    depth: new Float32Array(width * height),
    mirror: new Float32Array(width * height),
    labelIds: new Uint8Array(width * height),
  };
  const shapes = projectAll(stage.prims, camera, size);
  const shader = new Shader(stage, shapes, ground, camera, conditions);
  for (let top = 0; top < height; top += stripPixels) {
    const rows = Math.min(stripPixels, height - top);
    const strip = new Strip(top * samplesPerSide, rows * samplesPerSide, width * samplesPerSide);
    strip.clear(camera);
    for (const shape of shapes) {
      if (shape.bottom >= strip.firstRow && shape.top <= strip.firstRow + strip.rows) strip.draw(shape);
    }
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < width; column++)
        shader.pixel(strip, row, column, (top + row) * width + column, frame);
    }
  }
  return frame;
}

class Shader {
  readonly #prims: readonly Prim[];
  readonly #coordinates: PlaneCoordinates[] = [];
  readonly #ground: Ground;
  readonly #camera: Camera;
  readonly #conditions: Conditions;
  readonly #lighting: Lighting;
  readonly #surface = new Surface();
  readonly #ray = new Float64Array(3);
  readonly #sky = new Float64Array(3);
  readonly #sample = new Float64Array(3);
  #label = 0;
  #mirror = 0;

  constructor(stage: Stage, shapes: readonly Projected[], ground: Ground, camera: Camera, conditions: Conditions) {
    this.#prims = stage.prims;
    for (const { index, coordinates } of shapes) this.#coordinates[index] = coordinates;
    this.#ground = ground;
    this.#camera = camera;
    this.#conditions = conditions;
    this.#lighting = new Lighting(stage, conditions);
    this.#surface.night = conditions.night;
    this.#surface.wet = conditions.wet;
  }

  pixel(strip: Strip, row: number, column: number, at: number, frame: Frame): void {
    const n = samplesPerSide;
    const corner = row * n * strip.columns + column * n;
    const centre = corner + strip.columns + 1;
    const id = strip.ids[centre]!;
    let uniform = true;
    for (let i = 0; i < 9 && uniform; i++) uniform = strip.ids[corner + ((i / 3) | 0) * strip.columns + (i % 3)] === id;
    const light = frame.light;
    const first = at * 3;
    let [count, least, most] = [0, Number.POSITIVE_INFINITY, 0];
    for (const i of order) {
      this.#shade(strip, row * n + ((i / 3) | 0), column * n + (i % 3));
      // Sun glints are clipped before averaging, as a sensor's full well would.
      for (let k = 0; k < 3; k++) light[first + k] = light[first + k]! + Math.min(4, this.#sample[k]!);
      if (count === 0) {
        frame.labelIds[at] = this.#label;
        frame.mirror[at] = this.#mirror;
      }
      count++;
      if (!uniform) continue;
      const green = this.#sample[1]!;
      if (green < least) least = green;
      if (green > most) most = green;
      if (this.#enough(id, count, most - least < 0.08 * most)) break;
    }
    for (let k = 0; k < 3; k++) light[first + k] = light[first + k]! / count;
    frame.depth[at] = 1 / strip.inverseDepth[centre]!;
  }

  /** Whether a pixel that one surface fills needs no more samples: sky and leaves are soft, markings smooth their own edges. */
  #enough(id: number, count: number, alike: boolean): boolean {
    if (id === skyId) return true;
    if (id === groundId) return count === 3;
    if (this.#prims[id]!.round !== "flat") return true;
    return count === 5 || (count === 3 && alike);
  }

  /** Colour of one sample into `#sample`, its labelId into `#label`. */
  #shade(strip: Strip, row: number, column: number): void {
    const camera = this.#camera;
    const sampleX = column + 0.5;
    const sampleY = strip.firstRow + row + 0.5;
    const at = row * strip.columns + column;
    const id = strip.ids[at]!;
    const ray = this.#ray;
    const out = this.#sample;
    const surface = this.#surface;
    const conditions = this.#conditions;
    camera.ray(sampleX / samplesPerSide, sampleY / samplesPerSide, ray);
    this.#mirror = 0;
    if (id === skyId) {
      skyColour(conditions, ray[0]!, ray[1]!, ray[2]!, true, out);
      this.#label = ids.sky;
      return;
    }
    const depth = 1 / strip.inverseDepth[at]!;
    const across = depth / (camera.focalPixels * samplesPerSide);
    surface.x = camera.position[0] + ray[0]! * depth;
    surface.y = camera.position[1] + ray[1]! * depth;
    surface.z = camera.position[2] + ray[2]! * depth;
    surface.glowRed = surface.glowGreen = surface.glowBlue = surface.gloss = 0;
    const length = Math.sqrt(ray[0]! * ray[0]! + ray[1]! * ray[1]! + ray[2]! * ray[2]!);
    let bias = 0.12;
    if (id === groundId) {
      surface.nx = surface.ny = 0;
      surface.nz = 1;
      surface.footprint = across / Math.max(0.01, -ray[2]! / length);
      this.#label = this.#ground.shade(surface, across);
      this.#mirror = surface.gloss;
      surface.gloss = 0;
    } else {
      const prim = this.#prims[id]!;
      const coordinates = this.#coordinates[id]!;
      coordinates.locate(sampleX, sampleY, depth);
      surface.u = coordinates.u;
      surface.v = coordinates.v;
      bias = this.#bend(prim, across, ray, length);
      prim.material(surface);
      this.#label = prim.labelId;
    }
    this.#lighting.fall(surface, id === groundId, bias);
    const light = this.#lighting.light;
    out[0] = surface.red * light[0]! + surface.glowRed;
    out[1] = surface.green * light[1]! + surface.glowGreen;
    out[2] = surface.blue * light[2]! + surface.glowBlue;
    if (surface.gloss > 0) this.#reflect(ray, length);
    const clear = Math.exp(-conditions.fogDensity * depth * length);
    for (let i = 0; i < 3; i++) out[i] = conditions.fogColour[i]! + (out[i]! - conditions.fogColour[i]!) * clear;
  }

  /** Sets normal and footprint; returns the shadow bias. */
  #bend(prim: Prim, across: number, ray: Float64Array, length: number): number {
    const { uAxis, normal, round } = prim;
    const surface = this.#surface;
    const side = normal[0] * ray[0]! + normal[1] * ray[1]! + normal[2] * ray[2]! > 0 ? -1 : 1;
    let nx = normal[0] * side;
    let ny = normal[1] * side;
    let nz = normal[2] * side;
    let bias = 0.12;
    if (round === "cylinder") {
      const t = Math.max(-1, Math.min(1, surface.u / Math.max(1e-3, prim.radius + prim.radiusSlope * surface.v)));
      const front = Math.sqrt(1 - t * t * 0.98);
      nx = nx * front + uAxis[0] * t;
      ny = ny * front + uAxis[1] * t;
      nz = nz * front + uAxis[2] * t;
      bias = 0.3;
    } else if (round === "ball") {
      const from = prim.roundCentre;
      const { vAxis } = prim;
      const u = surface.u / prim.radius;
      const v = surface.v / prim.radius;
      const front = Math.sqrt(Math.max(0.05, 1 - u * u - v * v));
      nx = nx * front + uAxis[0] * u + vAxis[0] * v;
      ny = ny * front + uAxis[1] * u + vAxis[1] * v;
      nz = nz * front + uAxis[2] * u + vAxis[2] * v;
      bias = 0.3;
      if (from) {
        const dx = surface.x - from[0];
        const dy = surface.y - from[1];
        const dz = surface.z - from[2];
        const bulge = 1.3 / Math.max(0.1, Math.sqrt(dx * dx + dy * dy + dz * dz));
        nx = nx * 0.5 + dx * bulge;
        ny = ny * 0.5 + dy * bulge;
        nz = nz * 0.5 + dz * bulge;
        bias = 1.1;
      }
      const unit = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz);
      nx *= unit;
      ny *= unit;
      nz *= unit;
    }
    surface.nx = nx;
    surface.ny = ny;
    surface.nz = nz;
    const facing = Math.abs(normal[0] * ray[0]! + normal[1] * ray[1]! + normal[2] * ray[2]!) / length;
    surface.footprint = across / Math.max(0.05, facing);
    return bias;
  }

  /** Sky or street seen in paint and glass. */
  #reflect(ray: Float64Array, length: number): void {
    const { nx, ny, nz, gloss } = this.#surface;
    const x = ray[0]! / length;
    const y = ray[1]! / length;
    const z = ray[2]! / length;
    const towards = x * nx + y * ny + z * nz;
    const rx = x - 2 * towards * nx;
    const ry = y - 2 * towards * ny;
    const rz = z - 2 * towards * nz;
    const grazing = 1 - Math.min(1, Math.abs(towards));
    const share = Math.min(0.9, gloss + (1 - gloss) * grazing ** 5 * 0.6);
    const { skyLight, groundLight } = this.#conditions;
    const sky = this.#sky;
    const out = this.#sample;
    skyColour(this.#conditions, rx, ry, Math.max(0.02, rz), false, sky);
    // Low rays meet houses and trees rather than the sky.
    const open = Math.min(1, Math.max(0, (rz - 0.05) * 3.5));
    for (let i = 0; i < 3; i++) {
      const street = (skyLight[i]! + groundLight[i]!) * (rz < 0 ? 0.14 : 0.22);
      out[i] = out[i]! * (1 - share) + (street + (sky[i]! - street) * open) * share;
    }
  }
}
