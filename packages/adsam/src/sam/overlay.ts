import sharp from "sharp";
import { type LabelMap, type Picture, pixels, type Size } from "../data/picture.js";
import type { Rle } from "../models/sam/automatic/rle.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import { type Colour, maskColours } from "./colours.js";
import { maskMap, paintingOrder } from "./mask-map.js";
import { forEachOutlinePixel } from "./outline.js";
import { promptMarks } from "./prompt-marks.js";

/** What is painted. */
export interface PaintedMask {
  readonly rle: Rle;
  readonly area: number;
  /** Of several masks, those for the same prompt have the same number. */
  readonly promptIndex?: number;
}

export interface OverlayOptions {
  /** How strongly a mask's colour covers the picture, 0…1. */
  readonly alpha: number;
  /** All masks in one picture, where that was made before. */
  readonly map?: LabelMap<Uint8Array | Uint16Array>;
  /** Drawn on top. */
  readonly prompts?: readonly SamPrompt[];
}

/**
 * The picture under its masks: each in a colour of its own, thin where it lies over the picture, full at its edge, and the prompts on top:
 * boxes, points that are meant (+) and that are not (−). Where masks overlap the smaller one shows. Everywhere else the picture is untouched.
 */
export async function paintOverlay(
  picture: Picture,
  masks: readonly PaintedMask[],
  { alpha, prompts = [], ...options }: OverlayOptions,
): Promise<Picture> {
  const { size } = picture;
  const map = options.map ?? maskMap(masks, size);
  const colours = maskColours(map, masks.length);
  const data = fill(picture, map, colours, alpha);
  const reach = outlineWidth(size);
  for (const place of paintingOrder(masks)) {
    const [red, green, blue] = colours[place]!;
    forEachOutlinePixel(masks[place]!.rle, size, reach, (x, y) => {
      const at = 3 * (y * size.width + x);
      [data[at], data[at + 1], data[at + 2]] = [red, green, blue];
    });
  }
  if (prompts.length === 0) return { data, size };
  const marks = promptMarks(prompts, size, (prompt) => {
    const place = masks.findIndex(({ promptIndex }) => promptIndex === prompt);
    return colours[place];
  });
  const drawn = await sharp(data, { raw: { ...size, channels: 3 } })
    .composite([{ input: Buffer.from(marks) }])
    .removeAlpha()
    .raw()
    .toBuffer();
  return { data: drawn, size };
}

/** In pixels: one for every 600 of the longer side. */
export const outlineWidth = ({ height, width }: Size): number => Math.max(1, Math.round(Math.max(height, width) / 600));

function fill(
  picture: Picture,
  map: LabelMap<Uint8Array | Uint16Array>,
  colours: readonly Colour[],
  alpha: number,
): Uint8Array {
  const data = Uint8Array.from(picture.data);
  const count = pixels(picture.size);
  for (let i = 0; i < count; i++) {
    const colour = colours[map.data[i]! - 1];
    if (!colour) continue;
    for (let c = 0; c < 3; c++) data[3 * i + c] = Math.round((1 - alpha) * data[3 * i + c]! + alpha * colour[c]!);
  }
  return data;
}
