import type { Result, Row } from "../result.js";

/** The rule, in words for whoever reads the verdict. */
export const baselineRule =
  "A row has regressed where the worst that the baseline measured is better than the best of this run, and the medians lie further apart than " +
  "5 % (15 % for times of fewer than three turns). Compared are ratios to the peer; without one, times, on the same machine.";

/** One row beside the same in an earlier result. */
export interface BaselineLine {
  readonly work: string;
  readonly peer: string | null;
  readonly quantity: "ratio" | "time" | "memory";
  /** Medians; of a ratio, how many times better this project is. */
  readonly before: number;
  readonly now: number;
  /** How much worse: 0.1 is a tenth, below 0 is better. */
  readonly worse: number;
  /** The change that the spreads of both runs leave open. */
  readonly noise: number;
  readonly regressed: boolean;
}

export interface BaselineVerdict {
  readonly lines: readonly BaselineLine[];
  /** Rows of this run that could not be compared, and why. */
  readonly left: readonly { readonly work: string; readonly reason: string }[];
}

/** A quantity that should be large: its median and what its turns leave open. */
interface Goodness {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** Holds a run against an earlier one. */
export function compareWithBaseline(now: Result, before: Result): BaselineVerdict {
  const lines: BaselineLine[] = [];
  const left: { work: string; reason: string }[] = [];
  for (const row of now.rows) {
    const old = before.rows.find(({ work, peer, unit }) => work === row.work && peer === row.peer && unit === row.unit);
    if (!old) left.push({ work: row.work, reason: "the baseline has no such row" });
    else if (row.theirs === null && now.machine !== before.machine)
      left.push({ work: row.work, reason: "no peer stands beside it, and the baseline is another machine's" });
    else lines.push(lineOf(row, old));
  }
  return { lines, left };
}

function lineOf(row: Row, old: Row): BaselineLine {
  const [now, before] = [goodness(row), goodness(old)];
  const worse = before.median / now.median - 1;
  const noise = before.median / before.least / (now.median / now.most) - 1;
  const allowed = row.unit === "s" && Math.min(row.n, old.n) < 3 ? 0.15 : 0.05;
  return {
    work: row.work,
    peer: row.peer,
    quantity: row.theirs !== null ? "ratio" : row.unit === "s" ? "time" : "memory",
    before: row.theirs === null ? old.ours : before.median,
    now: row.theirs === null ? row.ours : now.median,
    worse,
    noise: Math.max(noise, allowed),
    regressed: now.most < before.least && worse > allowed,
  };
}

/** theirs / ours, or 1 / ours where there is no peer. */
function goodness({ ours, theirs, spread }: Row): Goodness {
  const [their, range] = theirs === null || spread.theirs === null ? [1, [1, 1] as const] : [theirs, spread.theirs];
  return { median: their / ours, least: range[0] / spread.ours[1], most: range[1] / spread.ours[0] };
}
