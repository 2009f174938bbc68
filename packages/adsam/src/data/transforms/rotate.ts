/** Turning pictures about their middle, picture and label alike. */
import { IGNORE } from "../labels.js";
import { type LabelMap, type Picture, pixels, type Size } from "../picture.js";
import { paddingColour } from "./geometry.js";

/** @param degrees counter-clockwise; each pixel is the nearest of the picture's, what comes from beyond its edge the mean colour */
export function rotatePicture({ data, size }: Picture, degrees: number): Picture {
  const out = new Uint8Array(3 * pixels(size));
  eachSource(size, degrees, (to, from) => {
    for (let c = 0; c < 3; c++) out[3 * to + c] = from < 0 ? paddingColour[c]! : data[3 * from + c]!;
  });
  return { data: out, size };
}

/** @param degrees counter-clockwise; what comes from beyond the label's edge is ignored */
export function rotateLabel({ data, size }: LabelMap, degrees: number): LabelMap {
  const out = new Uint8Array(pixels(size));
  eachSource(size, degrees, (to, from) => {
    out[to] = from < 0 ? IGNORE : data[from]!;
  });
  return { data: out, size };
}

/** For each pixel the one that it was, or −1. */
function eachSource({ height, width }: Size, degrees: number, visit: (to: number, from: number) => void): void {
  const angle = (degrees * Math.PI) / 180;
  const [sin, cos] = [Math.sin(angle), Math.cos(angle)];
  const [middleY, middleX] = [height / 2, width / 2];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [dy, dx] = [y + 0.5 - middleY, x + 0.5 - middleX];
      // Back by the angle: up is the smaller y. Rounded before it is cut, so that a turn by nothing or by 90° moves whole pixels.
      const sourceX = Math.floor(settled(cos * dx - sin * dy + middleX));
      const sourceY = Math.floor(settled(sin * dx + cos * dy + middleY));
      const inside = sourceX >= 0 && sourceX < width && sourceY >= 0 && sourceY < height;
      visit(y * width + x, inside ? sourceY * width + sourceX : -1);
    }
}

/** Without the last digits, in which the sine of a right angle is not quite whole. */
function settled(position: number): number {
  return Math.round(position * 1e6) / 1e6;
}
