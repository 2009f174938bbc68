/** A picture file as the encoder sees it. Needs no libtorch; runs on threads. */
import { contentHash } from "../data/content-hash.js";
import { readBytes } from "../data/files.js";
import { decodePicture, type Size } from "../data/picture.js";
import { mirrorPicture } from "../data/transforms/geometry.js";
import { normalise } from "../data/transforms/normalise.js";
import { resizeBilinear } from "../data/transforms/resize.js";
import type { Handler } from "../data/worker-pool.js";

export interface PrepareJob {
  readonly file: string;
  readonly input: Size;
  /** Which images are wanted: the picture, its mirror image, or both. */
  readonly mirrored: readonly boolean[];
}

export interface PreparedFile {
  readonly picture: string;
  /** In the order asked: [3, H, W], normalised; what training makes of the picture where nothing but mirroring changes it. */
  readonly images: readonly Float32Array[];
}

/** @throws Problem for a file that is no picture */
export async function prepareFile({ file, input, mirrored }: PrepareJob): Promise<PreparedFile> {
  const bytes = await readBytes(file, "picture");
  const picture = resizeBilinear(await decodePicture(bytes, file), input);
  const images = mirrored.map((mirror) => normalise(mirror ? mirrorPicture(picture) : picture));
  return { picture: contentHash(bytes), images };
}

export const prepareHandler: Handler<PrepareJob, PreparedFile> = async (job) => {
  const result = await prepareFile(job);
  return { result, transfer: result.images.map(({ buffer }) => buffer as ArrayBuffer) };
};
