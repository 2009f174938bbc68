/** Label pictures as ids. A palette's index is the id; its colours mean nothing here. */
import { Problem } from "@adsam/torch/problem";
import { type DecodedPng, decode } from "fast-png";
import { readBytes } from "./files.js";
import type { LabelMap, Size } from "./picture.js";
import { decodePlainPng } from "./png.js";

const signature = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
/** Offsets of IHDR's fields: the signature, then length and type, then width, height, depth, colour type, compression, filter, interlace. */
const colourTypeAt = 25;
const interlaceAt = 28;
const todoConvert = "Turn colours into ids with `adsam data convert`.";

/**
 * The ids of a PNG: grey of 1, 2, 4, 8 or 16 bits, or a palette of 1, 2, 4 or 8. Transparency is not part of an id and is dropped.
 * @returns Uint16Array for 16-bit files, Uint8Array otherwise; [H, W].
 * @throws Problem for a file that is missing, empty, truncated or damaged, not a PNG, or one that holds colours instead of ids.
 */
export async function readLabelIds(file: string): Promise<LabelMap<Uint8Array | Uint16Array>> {
  return decodeLabelIds(await readBytes(file, "label"), file);
}

/** {@link readLabelIds} for bytes already in memory; `name` is used in errors. */
export function decodeLabelIds(bytes: Uint8Array, name: string): LabelMap<Uint8Array | Uint16Array> {
  const plain = decodePlainPng(bytes);
  if (plain && plain.kind !== "rgb") return { data: plain.data, size: plain.size };
  const png = decodePng(bytes, name);
  const size: Size = { height: png.height, width: png.width };
  if (png.channels >= 3) {
    const found = png.channels === 3 ? "colours (RGB)" : "colours with alpha (RGBA)";
    throw new Problem({
      what: `label "${name}"`,
      found,
      expected: "one id a pixel: grey or palette",
      todo: todoConvert,
    });
  }
  if (png.channels === 2) return { data: everySecond(png.data as Uint8Array | Uint16Array), size };
  if (png.depth < 8) return { data: unpack(png.data as Uint8Array, size, png.depth), size };
  return { data: png.data as Uint8Array | Uint16Array, size };
}

const isPng = (bytes: Uint8Array): boolean => signature.every((byte, i) => bytes[i] === byte);

/** Whether a picture file says red, green and blue of each pixel: a PNG of RGB or RGBA, or any other format. */
export const holdsColours = (bytes: Uint8Array): boolean => !isPng(bytes) || [2, 6].includes(bytes[colourTypeAt]!);

/** @throws Problem for anything that is not a whole PNG. */
function decodePng(bytes: Uint8Array, name: string): DecodedPng {
  const what = `label "${name}"`;
  if (!isPng(bytes)) {
    const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8;
    const found = jpeg ? "a JPEG, which blurs ids into their neighbours" : "a file that does not begin as a PNG";
    throw new Problem({ what, found, expected: "a PNG of ids", todo: todoConvert });
  }
  try {
    if (bytes[interlaceAt] === 1 && bytes[24]! < 8)
      throw new Error(`interlaced at ${bytes[24]} bits a pixel; save it without interlacing`);
    const png = decode(bytes, { checkCrc: true });
    // fast-png leaves `palette` to tell indices from greys; colour type 3 always has one channel.
    if (bytes[colourTypeAt] === 3 && !png.palette) throw new Error("a palette picture without a palette");
    return png;
  } catch (error) {
    const found = `${bytes.length} bytes that cannot be decoded (${(error as Error).message})`;
    const todo = "Copy it again from the data set's archive.";
    throw new Problem({ what, found, expected: "a whole PNG", todo }, { cause: error });
  }
}

/** Grey and alpha interleaved → grey. */
function everySecond<Ids extends Uint8Array | Uint16Array>(data: Ids): Ids {
  return data.filter((_, i) => i % 2 === 0) as Ids;
}

/** Several pixels a byte, the leftmost in the high bits, each row beginning a byte → one pixel a byte. */
function unpack(packed: Uint8Array, { height, width }: Size, depth: number): Uint8Array {
  const out = new Uint8Array(height * width);
  const rowBytes = Math.ceil((width * depth) / 8);
  const perByte = 8 / depth;
  const mask = (1 << depth) - 1;
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const byte = packed[y * rowBytes + Math.floor(x / perByte)]!;
      out[y * width + x] = (byte >> (8 - depth * ((x % perByte) + 1))) & mask;
    }
  return out;
}
