import sharp from "sharp";
import type { LabelMap } from "../data/picture.js";

/** Where a prediction differs from its label, as PNG: wrong pixels light, right ones dark, ignored ones in between. Both have one size. */
export async function errorMap(prediction: LabelMap, label: LabelMap, ignoreIndex: number): Promise<Uint8Array> {
  const shades = label.data.map((truth, i) => (truth === ignoreIndex ? 90 : truth === prediction.data[i] ? 24 : 245));
  return sharp(shades, { raw: { ...label.size, channels: 1 } })
    .png({ palette: true, colours: 4 })
    .toBuffer();
}
