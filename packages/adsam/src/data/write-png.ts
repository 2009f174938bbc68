/** Ids and overlays as PNG files, each written whole or not at all. */
import { Problem } from "@adsam/torch/problem";
import { encode } from "fast-png";
import sharp from "sharp";
import { writeWhole } from "./files.js";
import type { ClassTable } from "./labels.js";
import { type LabelMap, type Picture, pixels, sameSize, sizeText } from "./picture.js";

/** Ids → grey PNG; 16-bit where the array is. */
export function encodeGrey({ data, size }: LabelMap<Uint8Array | Uint16Array>): Uint8Array {
  checkLength(data.length, pixels(size), "ids");
  return encode({ ...size, data, channels: 1, depth: data instanceof Uint16Array ? 16 : 8 });
}

/**
 * Train ids → palette PNG in the classes' colours: a picture to look at whose indices are still the ids. Indices that are no
 * class, the ignored one among them, are black.
 */
export function encodePalette({ data, size }: LabelMap, classes: ClassTable): Uint8Array {
  checkLength(data.length, pixels(size), "ids");
  const palette = Array.from({ length: 256 }, (_, k) => [...(classes.colours[k] ?? [0, 0, 0])]);
  return encode({ ...size, data, channels: 1, depth: 8, palette });
}

export const writeGrey = async (file: string, ids: LabelMap<Uint8Array | Uint16Array>): Promise<void> =>
  writeWhole(file, encodeGrey(ids));

export const writePalette = async (file: string, ids: LabelMap, classes: ClassTable): Promise<void> =>
  writeWhole(file, encodePalette(ids, classes));

/** An RGB picture as PNG. */
export async function writePicture(file: string, picture: Picture): Promise<void> {
  await writeWhole(file, await encodePicture(picture));
}

/** An RGB picture as PNG (or, smaller, as JPEG of quality 90). */
export async function encodePicture({ data, size }: Picture, format: "png" | "jpeg" = "png"): Promise<Uint8Array> {
  checkLength(data.length, 3 * pixels(size), "picture");
  const image = sharp(data, { raw: { ...size, channels: 3 } });
  return format === "png" ? image.png().toBuffer() : image.jpeg({ quality: 90, chromaSubsampling: "4:4:4" }).toBuffer();
}

/** Train ids → the classes' colours; pixels that are no class are black. */
export function colourise({ data, size }: LabelMap, classes: ClassTable): Picture {
  return overlay({ data: new Uint8Array(3 * data.length), size }, { data, size }, classes, 1);
}

/**
 * The picture under a veil of class colours: `(1 − alpha)·picture + alpha·colour`, rounded. Pixels that are no class (the ignored
 * ones) show the picture.
 * @param ids train ids at the picture's own size.
 * @param alpha 0 (picture only) … 1 (colours only).
 */
export function overlay(picture: Picture, ids: LabelMap, classes: ClassTable, alpha = 0.5): Picture {
  if (!sameSize(picture.size, ids.size))
    throw new Problem({ what: "overlay", found: `ids of ${sizeText(ids.size)}`, expected: sizeText(picture.size) });
  if (!(alpha >= 0 && alpha <= 1)) throw new Problem({ what: "overlay alpha", found: `${alpha}`, expected: "0 to 1" });
  const data = Uint8Array.from(picture.data);
  for (let i = 0; i < ids.data.length; i++) {
    const colour = classes.colours[ids.data[i]!];
    if (!colour) continue;
    for (let c = 0; c < 3; c++) data[3 * i + c] = Math.round((1 - alpha) * data[3 * i + c]! + alpha * colour[c]!);
  }
  return { data, size: picture.size };
}

function checkLength(found: number, expected: number, what: string): void {
  if (found !== expected) throw new Problem({ what, found: `${found} values`, expected: `${expected} (height×width)` });
}
