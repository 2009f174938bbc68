import type { Size } from "../../../data/picture.js";
import { addRun, complement, forEachStrip, type Runs } from "./runs.js";

/**
 * Fills the holes of a mask that are smaller than `minArea` pixels, or drops its islands that are; where all islands are, the largest stays.
 * Regions hang together over edges and corners, those of the mask and those of its holes (OpenCV's connectivity 8). What lies outside the
 * mask at the picture's border is a hole like any other. It works on runs, never on pixels.
 * @returns the mask itself where nothing is so small
 */
export function removeSmallRegions(
  mask: Runs,
  { height, width }: Size,
  minArea: number,
  mode: "holes" | "islands",
): Runs {
  const strips = stripsOf(mode === "islands" ? mask : complement(mask, height * width), height);
  const region = connect(strips);
  const areas = new Map<number, number>();
  for (const [i, { top, bottom }] of strips.entries())
    areas.set(region[i]!, (areas.get(region[i]!) ?? 0) + bottom - top);
  const large = new Set([...areas].filter(([, area]) => area >= minArea).map(([id]) => id));
  if (large.size === areas.size) return mask;
  if (mode === "islands" && large.size === 0) large.add(largest(strips, region, areas));
  const kept: number[] = [];
  for (const [i, { x, top, bottom }] of strips.entries())
    if (large.has(region[i]!)) addRun(kept, x * height + top, x * height + bottom);
  const runs = Uint32Array.from(kept);
  return mode === "islands" ? runs : complement(runs, height * width);
}

/** Pixels of one column, rows from `top` to before `bottom`. */
interface Strip {
  readonly x: number;
  readonly top: number;
  readonly bottom: number;
}

function stripsOf(runs: Runs, height: number): Strip[] {
  const strips: Strip[] = [];
  forEachStrip(runs, height, (x, top, bottom) => strips.push({ x, top, bottom }));
  return strips;
}

/** Which region each strip belongs to, named by the region's first strip: a union-find over strips of neighbouring columns. */
function connect(strips: readonly Strip[]): Uint32Array {
  const parent = Uint32Array.from(strips.keys());
  const root = (i: number): number => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]!]!;
      i = parent[i]!;
    }
    return i;
  };
  // `a` and `b` walk down two neighbouring columns together; of two strips the one that ends first cannot meet another.
  let a = 0;
  for (let b = 0; b < strips.length; ) {
    const [left, right] = [strips[a]!, strips[b]!];
    if (a === b || left.x >= right.x) b++;
    else if (left.x < right.x - 1) a++;
    else {
      if (left.top <= right.bottom && right.top <= left.bottom) {
        const [one, other] = [root(a), root(b)];
        parent[Math.max(one, other)] = Math.min(one, other);
      }
      if (left.bottom <= right.bottom) a++;
      else b++;
    }
  }
  return parent.map((_, i) => root(i));
}

/** The largest region; of equals the one that OpenCV numbers first, by rows of 2 × 2 pixels. */
function largest(strips: readonly Strip[], region: Uint32Array, areas: ReadonlyMap<number, number>): number {
  const most = [...areas.values()].reduce((a, b) => Math.max(a, b));
  let best = { row: Number.POSITIVE_INFINITY, column: 0, region: 0 };
  for (const [i, { x, top }] of strips.entries()) {
    if (areas.get(region[i]!) !== most) continue;
    const [row, column] = [top >> 1, x >> 1];
    if (row < best.row || (row === best.row && column < best.column)) best = { row, column, region: region[i]! };
  }
  return best.region;
}
