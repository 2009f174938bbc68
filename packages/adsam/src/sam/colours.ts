import type { LabelMap } from "../data/picture.js";

export type Colour = readonly [red: number, green: number, blue: number];

/**
 * Okabe and Ito's colours without black ("Color Universal Design", 2008): told apart by people with any of the common kinds of colour
 * blindness.
 */
export const palette: readonly Colour[] = [
  [230, 159, 0], // orange
  [86, 180, 233], // sky blue
  [0, 158, 115], // bluish green
  [240, 228, 66], // yellow
  [213, 94, 0], // vermilion
  [204, 121, 167], // reddish purple
  [0, 114, 178], // blue
];

/** Masks this many pixels apart still count as neighbours. */
const reach = 4;

/**
 * A colour for each mask, other than those of its neighbours wherever seven suffice, and each colour about as often as the others.
 * @param map numbers of masks from 1, see `maskMap`
 */
export function maskColours(map: LabelMap<Uint8Array | Uint16Array>, count: number): Colour[] {
  const neighbours = neighbourhood(map, count);
  const chosen: number[] = [];
  const uses = palette.map(() => 0);
  for (let mask = 0; mask < count; mask++) {
    const beside = palette.map(() => 0);
    for (const other of neighbours[mask]!) if (other < mask) beside[chosen[other]!]!++;
    let best = 0;
    for (const [colour] of palette.entries())
      if (beside[colour]! < beside[best]! || (beside[colour] === beside[best] && uses[colour]! < uses[best]!))
        best = colour;
    chosen.push(best);
    uses[best]!++;
  }
  return chosen.map((colour) => palette[colour]!);
}

/** For each mask the places of those that touch it, or nearly. */
function neighbourhood(
  { data, size: { height, width } }: LabelMap<Uint8Array | Uint16Array>,
  count: number,
): Set<number>[] {
  const sets = Array.from({ length: count }, () => new Set<number>());
  const meet = (a: number, b: number): void => {
    if (a === b || a === 0 || b === 0) return;
    sets[a - 1]!.add(b - 1);
    sets[b - 1]!.add(a - 1);
  };
  for (let y = 0, at = 0; y < height; y++)
    for (let x = 0; x < width; x++, at++) {
      const own = data[at]!;
      if (own === 0) continue;
      for (const step of [1, reach]) {
        if (x + step < width) meet(own, data[at + step]!);
        if (y + step < height) meet(own, data[at + step * width]!);
      }
    }
  return sets;
}
