/**
 * COCO's compressed run lengths: each count as a string of base-32 digits, as `rleToString` and `rleFrString` of COCO's maskApi have it.
 *
 * From the fourth count on, what is written is the difference to the count before the last, which is one of the same kind (zeros or ones). A
 * number is cut into groups of 5 bits in two's complement, lowest first; bit 5 says that more groups follow, bit 4 of the last is the sign.
 * A character is the group plus 48: "0" … "o".
 */
import { Problem } from "@adsam/torch/problem";
import { checkRle, type Rle } from "./rle.js";

/** COCO's compressed form, as it stands in JSON. */
export interface CompressedRle {
  readonly size: readonly [height: number, width: number];
  readonly counts: string;
}

const firstCharacter = 48;
const more = 0x20;
const sign = 0x10;
/** Groups of a 32-bit number. */
const longest = 7;

/** @throws Problem for run lengths that do not fit their size */
export function compressRle(rle: Rle): CompressedRle {
  checkRle(rle);
  const { size, counts } = rle;
  let text = "";
  for (const [i, count] of counts.entries()) {
    let rest = i > 2 ? count - counts[i - 2]! : count;
    for (let open = true; open; ) {
      const group = rest & 0x1f;
      rest = Math.floor(rest / 32);
      open = rest !== (group & sign ? -1 : 0);
      text += String.fromCharCode(firstCharacter + (open ? group | more : group));
    }
  }
  return { size, counts: text };
}

/** @throws Problem for a string that is no such code, or that does not describe a picture of this size */
export function expandRle({ size, counts: text }: CompressedRle): Rle {
  const counts: number[] = [];
  for (let at = 0; at < text.length; ) {
    const start = at;
    let value = 0;
    let group = more;
    for (let scale = 1; group & more; scale *= 32) {
      group = text.charCodeAt(at++) - firstCharacter;
      if (!(group >= 0 && group < 64)) throw notACode(text, at - 1);
      if (at - start > longest) throw notACode(text, start);
      value += (group & 0x1f) * scale;
      if (!(group & more) && group & sign) value -= 32 * scale;
    }
    counts.push(counts.length > 2 ? value + counts.at(-2)! : value);
  }
  const rle: Rle = { size, counts };
  checkRle(rle);
  return rle;
}

function notACode(text: string, at: number): Problem {
  return new Problem({
    what: "compressed RLE",
    found:
      at < text.length
        ? `${JSON.stringify(text.slice(at, at + 8))} at character ${at} of ${text.length}`
        : `an end in the midst of a number, after ${text.length} characters`,
    expected: `characters "0" to "o", at most ${longest} a number`,
  });
}
