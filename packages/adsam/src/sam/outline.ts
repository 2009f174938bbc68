import type { Size } from "../data/picture.js";
import { type Rle, runsOf } from "../models/sam/automatic/rle.js";
import { forEachStrip } from "../models/sam/automatic/runs.js";

/** The stretches of a mask in each column: top, bottom (exclusive), top, bottom, …; column x has those from starts[x] to starts[x + 1]. */
interface Columns {
  readonly edges: readonly number[];
  readonly starts: Int32Array;
}

/**
 * The pixels of a mask that have one outside of it `reach` or fewer steps to any side. The picture's own edge is no edge of the mask. The
 * work goes with the length of the outline, not with the area.
 * @param visit may get a pixel more than once
 */
export function forEachOutlinePixel(
  rle: Rle,
  { height, width }: Size,
  reach: number,
  visit: (x: number, y: number) => void,
): void {
  const columns = columnsOf(rle, { height, width });
  const { edges, starts } = columns;
  const paint = (x: number, from: number, to: number): void => {
    for (let y = from; y < to; y++) visit(x, y);
  };
  for (let x = 0; x < width; x++) {
    for (let i = starts[x]!; i < starts[x + 1]!; i += 2) {
      const [top, bottom] = [edges[i]!, edges[i + 1]!];
      if (top > 0) paint(x, top, Math.min(bottom, top + reach));
      if (bottom < height) paint(x, Math.max(top, bottom - reach), bottom);
    }
    for (let step = 1; step <= reach; step++)
      for (const beside of [x - step, x + step])
        if (beside >= 0 && beside < width) forEachMissing(columns, x, beside, (from, to) => paint(x, from, to));
  }
}

function columnsOf(rle: Rle, { height, width }: Size): Columns {
  const edges: number[] = [];
  const starts = new Int32Array(width + 1);
  forEachStrip(runsOf(rle), height, (x, top, bottom) => {
    edges.push(top, bottom);
    starts[x + 1]! += 2;
  });
  for (let x = 0; x < width; x++) starts[x + 1]! += starts[x]!;
  return { edges, starts };
}

/** The parts of column `x` that column `beside` lacks. */
function forEachMissing(
  { edges, starts }: Columns,
  x: number,
  beside: number,
  visit: (from: number, to: number) => void,
): void {
  const end = starts[beside + 1]!;
  let other = starts[beside]!;
  for (let i = starts[x]!; i < starts[x + 1]!; i += 2) {
    let from = edges[i]!;
    const to = edges[i + 1]!;
    while (other < end && edges[other + 1]! <= from) other += 2;
    for (let at = other; at < end && edges[at]! < to; at += 2) {
      if (edges[at]! > from) visit(from, edges[at]!);
      from = Math.max(from, edges[at + 1]!);
    }
    if (from < to) visit(from, to);
  }
}
