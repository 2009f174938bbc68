/** Pictures as eight-bit RGB, whatever the file was. */
import { Problem } from "@adsam/torch/problem";
import sharp from "sharp";
import { readBytes } from "./files.js";
import { decodePlainPng } from "./png.js";

/** In pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Eight-bit RGB, rows from the top, channels last: `data` is [H, W, 3], 0…255. */
export interface Picture {
  readonly data: Uint8Array;
  readonly size: Size;
}

/** One id a pixel: `data` is [H, W]. */
export interface LabelMap<Ids extends Uint8Array | Uint16Array = Uint8Array> {
  readonly data: Ids;
  readonly size: Size;
}

export const pixels = (size: Size): number => size.height * size.width;
export const sameSize = (a: Size, b: Size): boolean => a.height === b.height && a.width === b.width;
/** `640×480`, width first as pictures are spoken of, with the order said. */
export const sizeText = (size: Size): string => `${size.width}×${size.height} (width×height)`;

/** Extensions that {@link readPicture} is tried on when a folder is searched, lower case. */
export const pictureExtensions: ReadonlySet<string> = new Set([
  ".png",
  ".jpg",
  ".jpeg",
  ".webp",
  ".tif",
  ".tiff",
  ".bmp",
]);

/**
 * Any picture that libvips reads: turned upright by its EXIF orientation, alpha dropped, greys and palettes expanded, 16 bits
 * reduced to the upper 8. Colour profiles are not applied, as the reference's loader (PIL) does not.
 * @throws Problem for a file that is missing, empty, truncated or not a picture.
 */
export async function readPicture(file: string): Promise<Picture> {
  return decodePicture(await readBytes(file, "picture"), file);
}

/** {@link readPicture} for bytes already in memory; `name` is used in errors. */
export async function decodePicture(bytes: Uint8Array, name: string): Promise<Picture> {
  const plain = decodePlainPng(bytes);
  if (plain?.kind === "rgb") return { data: plain.data, size: plain.size };
  try {
    const { data, info } = await sharp(bytes, { failOn: "warning", ignoreIcc: true })
      .autoOrient()
      .removeAlpha()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 3) throw new Error(`${info.channels} channels after conversion to RGB`);
    const rgb = new Uint8Array(data.buffer, data.byteOffset, data.length);
    return { data: rgb, size: { height: info.height, width: info.width } };
  } catch (error) {
    throw new Problem(
      {
        what: `picture "${name}"`,
        found: `${bytes.length} bytes that cannot be decoded (${firstLine(error)})`,
        expected: "a whole PNG, JPEG, WebP or TIFF picture",
        todo: "Copy it again, or leave it out of the data set.",
      },
      { cause: error },
    );
  }
}

/** Size of a picture once it is upright, from its header; undefined for what is no picture (which reading it will tell). */
export async function headerSize(file: string): Promise<Size | undefined> {
  try {
    const { autoOrient } = await sharp(file).metadata();
    return { height: autoOrient.height, width: autoOrient.width };
  } catch {
    return undefined;
  }
}

const firstLine = (error: unknown): string => (error as Error).message.split("\n", 1)[0]!.trim();
