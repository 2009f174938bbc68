import { powerLaw, summary } from "../statistics.js";
import { type Axis, amount, type GrowthPlan } from "./plan.js";

export interface GrowthPoint {
  readonly x: number;
  /** Median of the turns. */
  readonly seconds: number;
  readonly range: readonly [number, number];
  readonly n: number;
  /** Most held, in GB; null where the system does not tell. */
  readonly memory: number | null;
}

/** One work along one axis, measured. */
export interface GrowthLine {
  readonly id: string;
  readonly work: string;
  readonly axis: Axis;
  readonly points: readonly GrowthPoint[];
  readonly skipped: readonly { readonly x: number; readonly reason: string }[];
  /**
   * Of time over pixels (axis size) or pictures (axis batch): 1 is proportional. Null with fewer than two points, and for threads.
   * Least squares of the logarithms; `r2` tells how straight the line is.
   */
  readonly exponent: number | null;
  readonly r2: number | null;
  /** Axis threads: time on one thread / (threads · time on them), at the most threads measured; 1 is perfect. */
  readonly efficiency: number | null;
  /** Of the run, ISO 8601. */
  readonly date: string;
}

/** @param turns seconds of each point's turns; one point at least */
export function growthLine(
  { id, work, axis, points }: GrowthPlan,
  measured: readonly { readonly x: number; readonly turns: readonly number[]; readonly peak: number | undefined }[],
  { skipped, date }: Pick<GrowthLine, "skipped" | "date">,
): GrowthLine {
  const done = measured.map(({ x, turns, peak }): GrowthPoint => {
    const { median, range, n } = summary(turns);
    return { x, seconds: median, range, n, memory: peak === undefined ? null : peak / 1e9 };
  });
  const amounts = new Map(points.map(({ x, order }) => [x, amount(order)]));
  const law = axis === "threads" ? undefined : powerLaw(done.map(({ x, seconds }) => [amounts.get(x)!, seconds]));
  return {
    id,
    work,
    axis,
    points: done,
    skipped,
    exponent: law?.exponent ?? null,
    r2: law?.r2 ?? null,
    efficiency: axis === "threads" ? efficiencyOf(done) : null,
    date,
  };
}

function efficiencyOf(points: readonly GrowthPoint[]): number | null {
  const [one, most] = [points.find(({ x }) => x === 1), points.at(-1)];
  return !one || !most || most.x === 1 ? null : one.seconds / (most.x * most.seconds);
}
