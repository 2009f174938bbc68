import { readdir, rm } from "node:fs/promises";
import path from "node:path";
import sharp from "sharp";
import { writeWhole } from "../data/files.js";
import type { LabelMap, Picture } from "../data/picture.js";
import { encodeGrey, encodePicture } from "../data/write-png.js";
import { decodeRle, type Rle } from "../models/sam/automatic/rle.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import { refuseTargets } from "../predict/existing.js";
import type { PredictionInput } from "../predict/inputs.js";
import { annotations, annotationText } from "./annotations.js";
import type { FoundMask } from "./found-mask.js";
import { paintOverlay } from "./overlay.js";
import type { MaskFormat } from "./question.js";

export const summaryName = "sam.json";

/** Files of a picture, relative to the folder of results, `/` between the parts. Undefined: not written. */
export interface MaskFiles {
  /** COCO's records, one a mask. */
  readonly rle?: string;
  /** A folder with a picture a mask: 255 in the mask, 0 outside. */
  readonly png?: string;
  /** All masks in one picture: of each pixel the number of its smallest mask, 0 where there is none. */
  readonly map?: string;
  readonly overlay?: string;
}

export function maskFiles(name: string, wanted: ReadonlySet<MaskFormat>): MaskFiles {
  return {
    ...(wanted.has("rle") && { rle: `${name}_masks.json` }),
    ...(wanted.has("png") && { png: `${name}_masks`, map: `${name}_masks.png` }),
    ...(wanted.has("overlay") && { overlay: `${name}_overlay.png` }),
  };
}

/** A mask's own file in the folder of PNGs. @param place from 0 */
export const maskFile = (place: number): string => `${String(place + 1).padStart(4, "0")}.png`;
const isMaskFile = (name: string): boolean => /^\d{4,}\.png$/.test(name);

/** Whether a file below the folder of results is one that a run left there: no picture to be looked at. */
export const isOwnOutput = (relative: string): boolean =>
  /(_overlay|_masks)\.png$/.test(relative) || /_masks[/\\]\d{4,}\.png$/.test(relative);

/** @throws Problem where a file that the run would write is there already, or is one of its inputs */
export async function refuseExisting(
  inputs: readonly PredictionInput[],
  out: string,
  wanted: ReadonlySet<MaskFormat>,
  overwrite: boolean,
): Promise<void> {
  const targets = [summaryName];
  for (const { name } of inputs) {
    const { png, ...files } = maskFiles(name, wanted);
    targets.push(...Object.values(files));
    if (png !== undefined) targets.push(...(await masksIn(path.resolve(out, png))).map((one) => `${png}/${one}`));
  }
  await refuseTargets(
    targets.map((target) => path.resolve(out, target)),
    inputs,
    overwrite,
  );
}

/** 255 in the mask, 0 outside. Of many masks libvips' encoder saves most of the time. */
function encodeMaskPng(rle: Rle): Promise<Uint8Array> {
  const { data, size } = decodeRle(rle);
  for (let i = 0; i < data.length; i++) data[i]! *= 255;
  return sharp(data, { raw: { ...size, channels: 1 } })
    .toColourspace("b-w")
    .png()
    .toBuffer();
}

const masksIn = async (folder: string): Promise<string[]> =>
  (await readdir(folder).catch(() => [] as string[])).filter(isMaskFile);

export interface PictureMasks {
  readonly file: string;
  readonly picture: Picture;
  readonly masks: readonly FoundMask[];
  /** See `maskMap`. */
  readonly map: LabelMap<Uint8Array | Uint16Array>;
  /** Drawn into the overlay. */
  readonly prompts: readonly SamPrompt[];
  /** Place of the picture in the run, from 1. */
  readonly imageId: number;
}

/** Writes the files of a picture, each whole or not at all; masks of an earlier run are taken away. @throws Problem where that fails */
export async function writeMasks(
  files: MaskFiles,
  out: string,
  { file, picture, masks, map, prompts, imageId }: PictureMasks,
  alpha: number,
): Promise<void> {
  const to = (name: string): string => path.resolve(out, name);
  if (files.rle !== undefined) await writeWhole(to(files.rle), annotationText(annotations(masks, file, imageId)));
  if (files.png !== undefined) {
    for (const old of await masksIn(to(files.png))) await rm(path.join(to(files.png), old), { force: true });
    for (const [place, { rle }] of masks.entries()) {
      await writeWhole(path.join(to(files.png), maskFile(place)), await encodeMaskPng(rle));
    }
  }
  if (files.map !== undefined) await writeWhole(to(files.map), encodeGrey(map));
  if (files.overlay !== undefined)
    await writeWhole(
      to(files.overlay),
      await encodePicture(await paintOverlay(picture, masks, { alpha, prompts, map })),
    );
}
