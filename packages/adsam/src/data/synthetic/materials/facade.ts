import type { Random } from "../../random.js";
import { type Colour, hex, mixed } from "../colour.js";
import { fractalNoise, hash, textureSeed } from "../noise.js";
import { brickwork } from "./simple.js";
import type { Material, Surface } from "./surface.js";

/** A house front; u runs along it from 0, v up from the ground, metres. */
export interface FacadeStyle {
  readonly height: number;
  readonly floor: number;
  /** Distance from window to window, and the window's size. */
  readonly bay: number;
  readonly windowWidth: number;
  readonly windowHeight: number;
  readonly wall: Colour;
  readonly trim: Colour;
  readonly skin: "plaster" | "brick" | "panel" | "glass";
  readonly groundFloor: "shops" | "doors" | "plain" | "hall";
  readonly litShare: number;
  readonly seed: number;
}

const plasters = [
  "#d9cdb4",
  "#c9b48c",
  "#b8b2a6",
  "#d8d5cc",
  "#c58f6c",
  "#a9b3a7",
  "#d3b9a4",
  "#cbbf8a",
  "#b7c0c9",
  "#8f8378",
  "#a4655a",
].map(hex);
const brickTones = ["#8a4a38", "#7a4436", "#9c6248", "#6f5247"].map(hex);
const awnings = ["#8c2f2a", "#2f5d43", "#2d4778", "#c9a23c", "#d8d8d2", "#5b2d4e", "#31373d"].map(hex);
const curtains = hex("#cfc7b8");
const warm = hex("#ffcf87");
const cold = hex("#dfeaff");

export function randomFacade(random: Random, height: number, kind: "old" | "modern" | "house" | "hall"): FacadeStyle {
  const skin =
    kind === "modern"
      ? random.pick(["glass", "panel", "panel", "plaster"] as const)
      : kind === "hall"
        ? "panel"
        : random.pick(["plaster", "plaster", "plaster", "brick"] as const);
  const windowWidth = kind === "modern" ? random.range(1.4, 2.4) : random.range(0.95, 1.35);
  return {
    height,
    floor: kind === "hall" ? 4.5 : random.range(2.9, 3.5),
    bay: windowWidth + (skin === "glass" ? 0.15 : random.range(0.7, 1.6)),
    windowWidth,
    windowHeight: skin === "glass" ? 2.4 : random.range(1.4, 2),
    wall:
      skin === "brick"
        ? random.pick(brickTones)
        : kind === "modern" || kind === "hall"
          ? random.pick([hex("#a9adb0"), hex("#d5d6d4"), hex("#7e848a"), hex("#b9a88f"), hex("#8d99a6")])
          : random.pick(plasters),
    trim: random.chance(0.7) ? hex("#e6e2d8") : hex("#5a4a3e"),
    skin,
    groundFloor:
      kind === "house"
        ? "doors"
        : kind === "hall"
          ? "hall"
          : random.pick(["shops", "shops", "doors", "plain"] as const),
    litShare: random.range(0.15, 0.5),
    seed: textureSeed(random),
  };
}

export function facade(style: FacadeStyle): Material {
  return (surface) => {
    const { u, v } = surface;
    wall(surface, style);
    const base = style.groundFloor === "shops" ? 3.7 : style.floor;
    if (v > style.height - 0.45) {
      surface.paint(style.trim, 0.92);
      if (v < style.height - 0.38) surface.dim(0.6);
      return;
    }
    if (v < base) {
      if (style.groundFloor === "shops") shopFront(surface, style);
      else if (style.groundFloor === "hall") gate(surface, style);
      else groundFloor(surface, style);
      return;
    }
    if (style.skin !== "glass" && v - base < 0.16) {
      surface.paint(style.trim, 0.85);
      return;
    }
    const storey = Math.floor((v - base) / style.floor);
    if (base + (storey + 1) * style.floor > style.height - 0.2 && style.skin !== "glass") return;
    const column = Math.floor(u / style.bay);
    window(surface, style, u - (column + 0.5) * style.bay, v - base - storey * style.floor - 0.75, column, storey);
  };
}

function wall(surface: Surface, style: FacadeStyle): void {
  const { u, v } = surface;
  if (style.skin === "brick") {
    brickwork(surface, style.wall, style.seed);
    return;
  }
  surface.paint(style.wall);
  const stain = fractalNoise(u * 0.4, v * 0.15, style.seed, 3);
  surface.dim(0.86 + 0.28 * stain);
  if (style.skin === "panel") {
    const [pu, pv] = [u / 1.5 - Math.floor(u / 1.5), v / 3 - Math.floor(v / 3)];
    if (pu < 0.02 + surface.footprint * 0.3 || pv < 0.012 + surface.footprint * 0.15) surface.dim(0.78);
  }
  if (v < 0.5) surface.dim(0.72);
}

/** (du, dv) is measured from the middle of the sill. */
function window(surface: Surface, style: FacadeStyle, du: number, dv: number, column: number, storey: number): void {
  const half = style.windowWidth / 2;
  const { windowHeight, seed } = style;
  const frame = style.skin === "glass" ? 0.04 : 0.13;
  if (Math.abs(du) > half + frame || dv < -frame || dv > windowHeight + frame) return;
  if (style.skin !== "glass" && dv < 0 && Math.abs(du) < half + 0.1) {
    surface.paint(style.trim, 0.75);
    return;
  }
  if (Math.abs(du) > half || dv > windowHeight || dv < 0) {
    surface.paint(style.trim, dv > windowHeight ? 0.7 : 1);
    return;
  }
  const bar = style.skin === "glass" ? 0 : 0.035;
  if (Math.abs(du) < bar || (style.skin !== "glass" && Math.abs(dv - windowHeight * 0.7) < bar)) {
    surface.paint(style.trim, 0.9);
    return;
  }
  const own = hash(column, storey, seed);
  surface.paint([0.02, 0.024, 0.03]);
  surface.gloss = 0.16;
  const curtain = own < 0.35 ? 0.28 : 0.1;
  if (style.skin !== "glass" && half - Math.abs(du) < curtain * style.windowWidth) surface.paint(curtains, 0.5);
  if (own > 0.9) surface.paint(curtains, 0.7);
  // The lintel shades the top of a recessed pane.
  if (windowHeight - dv < 0.22) surface.dim(0.4);
  if (surface.night > 0 && hash(column, storey, seed + 1) < style.litShare) {
    const colour = mixed(warm, cold, hash(column, storey, seed + 2) ** 3);
    surface.glow(
      colour,
      surface.night * (0.25 + 0.5 * hash(column, storey, seed + 3)) * (0.6 + 0.4 * (dv / windowHeight)),
    );
    surface.gloss = 0;
  }
}

function shopFront(surface: Surface, style: FacadeStyle): void {
  const { u, v } = surface;
  const width = 5.5;
  const shop = Math.floor(u / width);
  const du = u - shop * width;
  const own = hash(shop, 1, style.seed);
  const colour = awnings[Math.floor(own * awnings.length)]!;
  if (du < 0.35 || du > width - 0.35) {
    surface.paint(style.trim, 0.8);
    return;
  }
  if (v > 2.95 && v < 3.5) {
    // A fascia with something like lettering on it.
    surface.paint(colour);
    const letter = hash(Math.floor(du / 0.22), shop, style.seed + 4);
    const written = du > 1 && du < width - 1 && v > 3.1 && v < 3.36 && letter > 0.25 && (du / 0.22) % 1 > 0.25;
    if (written) surface.paint(hex("#efece2"));
    if (surface.night > 0 && hash(shop, 2, style.seed) < 0.6)
      surface.glow(written ? cold : colour, surface.night * (written ? 0.8 : 0.25));
    return;
  }
  if (v > 2.95) return;
  if (v < 0.45) {
    surface.paint(style.trim, 0.55);
    return;
  }
  const door = Math.abs(du - width * (0.3 + 0.4 * own)) < 0.55;
  if (du < 0.45 || du > width - 0.45 || (du % 1.6 < 0.06 && !door)) {
    surface.paint(mixed(colour, hex("#333333"), 0.6));
    return;
  }
  surface.paint([0.03, 0.03, 0.032]);
  surface.gloss = 0.14;
  const goods = fractalNoise(u * 2.3, v * 2.3, style.seed + 9, 2);
  if (!door && v < 1.7 && goods > 0.5)
    surface.paint(mixed(colour, hex("#c9b08a"), hash(Math.floor(u * 2.3), Math.floor(v * 2.3), style.seed)), 0.35);
  if (surface.night > 0 && hash(shop, 3, style.seed) < 0.65) surface.glow(warm, surface.night * (0.35 + 0.4 * goods));
}

function groundFloor(surface: Surface, style: FacadeStyle): void {
  const { u, v } = surface;
  const column = Math.floor(u / style.bay);
  const du = u - (column + 0.5) * style.bay;
  if (hash(column, 77, style.seed) < 0.18) {
    if (Math.abs(du) > 0.68 || v > 2.5) return;
    if (Math.abs(du) > 0.55 || v > 2.35) {
      surface.paint(style.trim);
      return;
    }
    surface.paint(hash(column, 78, style.seed) < 0.5 ? hex("#4a3324") : hex("#35483f"));
    if (v % 0.75 < 0.07 || Math.abs(du) < 0.02) surface.dim(0.55);
    return;
  }
  if (style.groundFloor === "plain" && style.skin !== "glass") surface.dim(0.92);
  window(surface, style, du, v - 0.95, column, -1);
}

function gate(surface: Surface, style: FacadeStyle): void {
  const du = surface.u - Math.floor(surface.u / 7) * 7;
  if (du < 1.6 || du > 5.4 || surface.v > 3.8) return;
  surface.paint(hash(Math.floor(surface.u / 7), 5, style.seed) < 0.5 ? hex("#6d7880") : hex("#3f5a7c"));
  if (surface.v % 0.5 < 0.06) surface.dim(0.7);
}

/** Tiles in rows. */
export function roofTiles(colour: Colour, seed: number): Material {
  return (surface) => {
    const row = Math.floor(surface.v / 0.32);
    surface.paint(colour);
    surface.dim(0.8 + 0.4 * hash(Math.floor(surface.u / 0.25 + (row & 1) * 0.5), row, seed));
    if (surface.v / 0.32 - row < 0.15 && surface.footprint < 0.2) surface.dim(0.65);
  };
}
