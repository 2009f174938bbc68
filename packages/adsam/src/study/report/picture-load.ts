/** Chosen pictures from their files, small enough that a page can hold them. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import sharp from "sharp";
import { readBytes } from "../../data/files.js";
import { decodeLabelIds } from "../../data/label-png.js";
import { IGNORE } from "../../data/labels.js";
import { type LabelMap, sameSize, sizeText } from "../../data/picture.js";
import { errorMap } from "../../report/error-map.js";
import type { StudyPicture } from "../results.js";

export interface LoadedPicture {
  readonly image: Uint8Array;
  readonly label: Uint8Array;
  readonly prediction: Uint8Array;
  readonly errors: Uint8Array;
}

/** Twice the width that a tile has on a desk. */
const widest = 480;

/**
 * @param folder that the paths of the results start from
 * @throws Problem for files that are missing or damaged, and for a label and a prediction of different sizes
 */
export async function loadPicture(folder: string, picture: StudyPicture): Promise<LoadedPicture> {
  const [image, label, prediction] = await Promise.all(
    (["image", "label", "prediction"] as const).map((kind) => readBytes(path.resolve(folder, picture[kind]), kind)),
  );
  const [truth, guess] = [decodeIds(label!, picture.label), decodeIds(prediction!, picture.prediction)];
  if (!sameSize(truth.size, guess.size)) {
    const what = `prediction "${picture.prediction}"`;
    throw new Problem({ what, found: sizeText(guess.size), expected: `${sizeText(truth.size)}, as the label` });
  }
  const errors = await errorMap(guess, truth, IGNORE);
  return {
    image: await sharp(image).resize({ width: widest, withoutEnlargement: true }).jpeg({ quality: 80 }).toBuffer(),
    label: await small(label!),
    prediction: await small(prediction!),
    errors: await small(errors),
  };
}

function decodeIds(bytes: Uint8Array, name: string): LabelMap {
  const { data, size } = decodeLabelIds(bytes, name);
  return { data: Uint8Array.from(data), size };
}

/** Colours of classes are not mixed: the nearest pixel. */
async function small(png: Uint8Array): Promise<Uint8Array> {
  const options = { width: widest, withoutEnlargement: true, kernel: "nearest" } as const;
  return sharp(png).resize(options).png({ palette: true, dither: 0, effort: 7 }).toBuffer();
}
