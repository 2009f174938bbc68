import type { ClassTable } from "../data/labels.js";
import type { LabelMap } from "../data/picture.js";

/** Class name → share of the pixels, 0…1, every class in the order of the train ids. */
export type ClassShares = Readonly<Record<string, number>>;

export function classShares({ data }: LabelMap, { names }: ClassTable): ClassShares {
  const counts = new Uint32Array(256);
  for (let i = 0; i < data.length; i++) counts[data[i]!]!++;
  return Object.fromEntries(names.map((name, k) => [name, counts[k]! / Math.max(1, data.length)]));
}

/** The mean of several pictures' shares, each picture counting once; empty for none. */
export function meanShares(all: readonly ClassShares[]): ClassShares {
  const names = Object.keys(all[0] ?? {});
  const mean = (name: string) => all.reduce((sum, shares) => sum + shares[name]!, 0) / all.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
