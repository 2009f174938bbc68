/** Several seeds' curves as one line with a band. */
import { meanOf } from "../statistics/student.js";

export interface SeedCurve {
  /** Ascending in `at`. */
  readonly points: readonly { readonly at: number; readonly mIoU: number }[];
}

export interface Banded {
  readonly line: readonly (readonly [at: number, mean: number])[];
  /** From the lowest seed to the highest; empty for a single one. */
  readonly band: readonly (readonly [at: number, low: number, high: number])[];
}

/** At each epoch, where the seeds validate at the same ones; runs by minutes do not, and are joined as over minutes. */
export function overEpochs(curves: readonly SeedCurve[]): Banded {
  const [first, ...others] = curves.map(({ points }) => new Map(points.map(({ at, mIoU }) => [at, mIoU])));
  const common = [...(first?.keys() ?? [])].filter((at) => others.every((curve) => curve.has(at)));
  const end = Math.min(...curves.map(({ points }) => points.at(-1)!.at));
  const isAligned = curves.every(({ points }) => points.every(({ at }) => at > end || common.includes(at)));
  if (!isAligned) return overMinutes(curves);
  return banded(common, (at) => [first!, ...others].map((curve) => curve.get(at)!));
}

const steps = 60;

/**
 * Seeds validate at different minutes: between two validations the curve is taken to be straight. Where one of the seeds has no
 * validation yet or no more, there is no line. Seeds of one validation each are one point, at their mean minute.
 */
export function overMinutes(curves: readonly SeedCurve[]): Banded {
  if (curves.length === 1) return { line: curves[0]!.points.map(({ at, mIoU }) => [at, mIoU]), band: [] };
  if (curves.every(({ points }) => points.length === 1)) {
    const all = curves.map(({ points }) => points[0]!);
    return banded([meanOf(all.map(({ at }) => at))], () => all.map(({ mIoU }) => mIoU));
  }
  const from = Math.max(...curves.map(({ points }) => points[0]!.at));
  const to = Math.min(...curves.map(({ points }) => points.at(-1)!.at));
  if (!(from <= to)) return { line: [], band: [] };
  const grid = from === to ? [from] : Array.from({ length: steps + 1 }, (_, i) => from + ((to - from) * i) / steps);
  return banded(grid, (at) => curves.map((curve) => heightAt(curve, at)));
}

function banded(places: readonly number[], heights: (at: number) => number[]): Banded {
  const all = places.map((at) => [at, heights(at)] as const);
  const several = (all[0]?.[1].length ?? 0) > 1;
  return {
    line: all.map(([at, values]) => [at, meanOf(values)] as const),
    band: several ? all.map(([at, values]) => [at, Math.min(...values), Math.max(...values)] as const) : [],
  };
}

function heightAt({ points }: SeedCurve, at: number): number {
  const next = points.findIndex((point) => point.at >= at);
  if (next <= 0) return points.at(next)!.mIoU; // before the first: it; after the last, by rounding: the last
  const [a, b] = [points[next - 1]!, points[next]!];
  return a.mIoU + ((at - a.at) / (b.at - a.at)) * (b.mIoU - a.mIoU);
}
