/** Small pictures, labels and folders that the data tests make for themselves. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { encode } from "fast-png";
import type { Size } from "../src/data/picture.js";

/** Byte i is floor(256·u(name, i)), the formula of `golden/pillow_resize.py`. */
export function noiseBytes(name: string, count: number): Uint8Array {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  return Uint8Array.from({ length: count }, (_, i) => {
    let x = (i + seed) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    return Math.floor(((x ^ (x >>> 16)) >>> 0) / 2 ** 24);
  });
}

/** A folder that goes away with the test. */
export async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "adsam-data-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function put(file: string, bytes: Uint8Array | string): Promise<string> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, bytes);
  return file;
}

/** An RGB picture of noise. */
export const putPicture = (file: string, size: Size): Promise<string> =>
  put(file, encode({ ...size, data: noiseBytes(path.basename(file), 3 * size.height * size.width), channels: 3 }));

/** A grey label; `ids` are repeated until it is full. */
export const putLabel = (file: string, size: Size, ids: readonly number[]): Promise<string> =>
  put(file, encode({ ...size, data: repeat(ids, size), channels: 1 }));

export const repeat = (ids: readonly number[], { height, width }: Size): Uint8Array =>
  Uint8Array.from({ length: height * width }, (_, i) => ids[i % ids.length]!);

/** `count` pairs in Cityscapes' layout, each of a size of its own, ids 7…33. */
export async function putCityscapes(root: string, split: string, count: number, size?: Size): Promise<void> {
  for (let i = 0; i < count; i++) {
    const own = size ?? { height: 18 + (i % 3), width: 30 + i };
    const name = `ulm_${String(i).padStart(6, "0")}_000019`;
    await putPicture(path.join(root, "leftImg8bit", split, "ulm", `${name}_leftImg8bit.png`), own);
    const ids = [7, 8, 11, 23, 26, 0, 33].map((id, k) => ((k + i) % 5 === 0 ? 21 : id));
    await putLabel(path.join(root, "gtFine", split, "ulm", `${name}_gtFine_labelIds.png`), own, ids);
  }
}
