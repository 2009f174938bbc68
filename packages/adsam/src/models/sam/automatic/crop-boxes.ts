import { Problem } from "@adsam/torch/problem";
import { type Size, sizeText } from "../../../data/picture.js";
import type { Box } from "./boxes.js";

/** A window of the picture in whole pixels. */
export interface Crop {
  readonly box: Box;
  /** 0: the picture itself; layer i has 2ⁱ · 2ⁱ crops. */
  readonly layer: number;
}

/**
 * The picture and the crops of each layer, which cover it and overlap their neighbours; column by column within a layer.
 * @param layers of crops, beside the picture itself
 * @param overlapRatio of the first layer's overlap to the picture's shorter side, 0…1; halved from layer to layer
 * @throws Problem for a picture that has not so many pixels to share out
 */
export function cropBoxes(size: Size, layers: number, overlapRatio: number): Crop[] {
  const { height, width } = size;
  const crops: Crop[] = [{ box: [0, 0, width, height], layer: 0 }];
  for (let layer = 1; layer <= layers; layer++) {
    const perSide = 2 ** layer;
    const overlap = Math.floor(overlapRatio * Math.min(height, width) * (2 / perSide));
    const columns = spans(width, perSide, overlap);
    const rows = spans(height, perSide, overlap);
    if ([...columns, ...rows].some(([start, end]) => end <= start))
      throw new Problem({
        what: "automatic masks",
        found: `a picture of ${sizeText(size)} for ${perSide} × ${perSide} crops (cropNLayers ${layers})`,
        expected: "at least a pixel in each crop",
        todo: "Lower cropNLayers, or raise cropOverlapRatio.",
      });
    for (const [x0, x1] of columns) for (const [y0, y1] of rows) crops.push({ box: [x0, y0, x1, y1], layer });
  }
  return crops;
}

/** `count` stretches of equal length that cover `length` pixels; the last may be shorter. Ends exclusive. */
function spans(length: number, count: number, overlap: number): [start: number, end: number][] {
  const each = Math.ceil((overlap * (count - 1) + length) / count);
  return Array.from({ length: count }, (_, i) => {
    const start = (each - overlap) * i;
    return [start, Math.min(start + each, length)];
  });
}
