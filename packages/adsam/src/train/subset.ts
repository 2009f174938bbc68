import { createHash } from "node:crypto";
import type { Dataset } from "../data/dataset.js";

/** The part of a training split that a run learned from, so that results say it and two runs can be told to have had the same. */
export interface Subset {
  readonly size: number;
  /** Pictures of the whole split. */
  readonly of: number;
  /** What it was drawn by: with the same seed, a smaller subset lies within a larger one. */
  readonly seed: number;
  /** First 12 hexadecimal digits of the SHA-256 of its pictures' ids, a line each. */
  readonly fingerprint: string;
}

/** null for a split that is there whole. */
export function subsetOf({ drawn, samples }: Dataset): Subset | null {
  if (!drawn) return null;
  const ids = samples.map(({ id }) => `${id}\n`).join("");
  const fingerprint = createHash("sha256").update(ids).digest("hex").slice(0, 12);
  return { size: samples.length, of: drawn.of, seed: drawn.seed, fingerprint };
}

/** What a run's `subset.json` holds. */
export function subsetFile(dataset: Dataset): (Subset & { readonly pictures: readonly string[] }) | null {
  const subset = subsetOf(dataset);
  return subset && { ...subset, pictures: dataset.samples.map(({ id }) => id) };
}
