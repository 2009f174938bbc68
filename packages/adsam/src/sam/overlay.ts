import sharp from "sharp";
import { type LabelMap, type Picture, pixels, type Size } from "../data/picture.js";
import { type Rle, rleEdges, runsOf } from "../models/sam/automatic/rle.js";
import { forEachStrip } from "../models/sam/automatic/runs.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import { type Colour, maskColours } from "./colours.js";
import { maskMap, paintingOrder } from "./mask-map.js";
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
  { alpha, prompts = [] }: OverlayOptions,
): Promise<Picture> {
  const { size } = picture;
  const map = maskMap(masks, size);
  const colours = maskColours(map, masks.length);
  const data = fill(picture, map, colours, alpha);
  for (const place of paintingOrder(masks)) outline(data, size, masks[place]!.rle, colours[place]!, outlineWidth(size));
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

/** Paints the pixels of a mask that have one outside of it within `reach` to any side. The picture's own edge is no edge of the mask. */
function outline(data: Uint8Array, { height, width }: Size, rle: Rle, colour: Colour, reach: number): void {
  const [left, top, right, bottom] = rleEdges(rle);
  const columns = right - left + 1;
  const rows = bottom - top + 1;
  const inside = new Uint8Array(columns * rows); // the mask within its box
  forEachStrip(runsOf(rle), height, (x, first, end) => {
    for (let y = first; y < end; y++) inside[(y - top) * columns + x - left] = 1;
  });
  const outside = (x: number, y: number): boolean =>
    x >= left && x <= right && y >= top && y <= bottom
      ? inside[(y - top) * columns + x - left] === 0
      : x >= 0 && x < width && y >= 0 && y < height;
  for (let y = top; y <= bottom; y++)
    for (let x = left; x <= right; x++) {
      if (outside(x, y)) continue;
      for (let step = 1; step <= reach; step++)
        if (outside(x - step, y) || outside(x + step, y) || outside(x, y - step) || outside(x, y + step)) {
          data.set(colour, 3 * (y * width + x));
          break;
        }
    }
}
