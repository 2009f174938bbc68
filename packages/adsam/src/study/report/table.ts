/** One table, said once: the page, Markdown, LaTeX and CSV are spellings of it. */

import { big, bytes } from "../../report/numbers.js";
import type { Unit } from "../metrics.js";
import type { Verdict } from "../statistics/difference.js";
import { pointsText } from "../statistics/wording.js";

export type Bound = "at least" | "at most";

/** A number with what it may lie between; `value` in the unit itself: a share is 0…1, a difference of shares −1…1. */
export interface NumberCell {
  readonly value: number;
  readonly low?: number | null;
  readonly high?: number | null;
  readonly unit: Unit | "points";
  /** Where the number is not known itself. */
  readonly bound?: Bound;
  /** The best of its column. */
  readonly best?: boolean;
  /** Where it is a difference. */
  readonly verdict?: Verdict;
  /** What it is of, where that is less than the row is: `seed 0`. */
  readonly of?: string;
}

/** Text, a number, or nothing. */
export type TableCell = string | NumberCell | null;

export interface Column {
  readonly title: string;
  /** Numbers of this column were printed by others. */
  readonly published?: boolean;
  /** Texts too short to be broken. */
  readonly short?: boolean;
  /** Shares are drawn as bars, too. */
  readonly bar?: boolean;
}

export interface Table {
  /** The name of its file: `accuracy-camvid-20-min`. */
  readonly id: string;
  readonly title: string;
  /** What the reader has to know, in a sentence. */
  readonly note?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly TableCell[])[];
  /** System → the place of its row's colour sample; only for tables that have a row a system. */
  readonly systems?: readonly string[];
}

const minus = (text: string) => text.replace("-", "−");

/** `62.1 %`, `+2.1`, `26.9 M`, `8.4 min`. */
export function numberText({ value, unit }: Pick<NumberCell, "value" | "unit">): string {
  switch (unit) {
    case "share":
      return minus(`${(100 * value).toFixed(1)} %`);
    case "points":
      return pointsText(value);
    case "ratio":
      return minus(value.toFixed(2));
    case "epochs":
    case "minutes":
      return minus(value.toFixed(1));
    case "count":
      return big(Number(value.toPrecision(4)));
    case "seconds":
      return `${Number(value.toPrecision(3))} s`;
    case "bytes":
      return bytes(value);
    case "joules":
      return `${Number(value.toPrecision(3))} J`;
  }
}

/** The same with what it bounds: `≥ 0.74`. */
export const boundedText = (cell: NumberCell): string =>
  `${cell.bound ? (cell.bound === "at least" ? "≥ " : "≤ ") : ""}${numberText(cell)}`;

/** `62.1 %`, of 0.621. */
export const shareText = (value: number): string => numberText({ value, unit: "share" });

/** `60.1 – 64.0`; empty where there is no interval. */
export function intervalText({ low, high, unit }: NumberCell): string {
  if (low == null || high == null) return "";
  const bare = (value: number) => numberText({ value, unit }).replace(/ %$/, "");
  return unit === "points" ? `${bare(low)} to ${bare(high)}` : `${bare(low)}–${bare(high)}`;
}

/** In words, beside the difference; what the noise swallows is said to be swallowed. */
export const verdictText = (verdict: Verdict): string => (verdict === "untold" ? "too few seeds" : verdict);

/** `accuracy-camvid-20-min` */
export function slug(...parts: readonly string[]): string {
  return parts
    .join("-")
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
}
