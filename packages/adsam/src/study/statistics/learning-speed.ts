/** How fast a run learned, from its validation curve. */
import { Problem } from "@adsam/torch/problem";
import { deviationOf } from "./student.js";

/** A validation. `at` is how far the run had come: epochs, steps or minutes, the same unit throughout. */
export interface CurvePoint {
  readonly at: number;
  /** 0…1. */
  readonly mIoU: number;
}

export interface LearningSpeed {
  /** The last validation's mIoU. */
  readonly final: number;
  readonly best: number;
  /** Where the curve first stands at 90 and at 95 % of the final mIoU, at a validation: between two nothing was measured. */
  readonly to90: number;
  readonly to95: number;
  /** Mean height of the curve from 0, where it is taken to begin at mIoU 0, to its end (trapezoids), 0…1. */
  readonly area: number;
  /** Over the last ten validations, or as many as there are; small is stable. */
  readonly stability: {
    readonly validations: number;
    /** Sample standard deviation; `null` for a single one. */
    readonly deviation: number | null;
    /** Greatest less least. */
    readonly range: number;
  };
}

/** Validations over which {@link LearningSpeed.stability} is measured: ten epochs where each is validated. */
export const lastValidations = 10;

/** @throws Problem for a curve without points, or one that does not go forward */
export function learningSpeed(curve: readonly CurvePoint[]): LearningSpeed {
  checkCurve(curve);
  const final = curve.at(-1)!.mIoU;
  const last = curve.slice(-lastValidations).map(({ mIoU }) => mIoU);
  return {
    final,
    best: Math.max(...curve.map(({ mIoU }) => mIoU)),
    to90: firstAt(curve, 0.9 * final)!,
    to95: firstAt(curve, 0.95 * final)!,
    area: area(curve),
    stability: { validations: last.length, deviation: deviationOf(last), range: Math.max(...last) - Math.min(...last) },
  };
}

/** Where the curve first reaches `mIoU`; `null` where it never does. */
export function firstAt(curve: readonly CurvePoint[], mIoU: number): number | null {
  return curve.find((point) => point.mIoU >= mIoU)?.at ?? null;
}

export interface SpeedRatio {
  /** How many times sooner this curve is at 90 and at 95 % of its own final mIoU than the baseline at 90 and 95 % of its own. */
  readonly to90: number;
  readonly to95: number;
  /**
   * How many times sooner it is at 90 and at 95 % of the baseline's final mIoU than the baseline itself: a low final score, soon reached,
   * is no merit here. `null`: it never is.
   */
  readonly toBaseline90: number | null;
  readonly toBaseline95: number | null;
  /** Whether `toBaseline90` may be more: this curve was there at its first validation, and before, nobody knows since when. */
  readonly mayBeMore: boolean;
  /** Whether it may be less: the baseline was there at its own first. */
  readonly mayBeLess: boolean;
  /** Quotient of the areas; `null` where the baseline's is 0. */
  readonly area: number | null;
}

/** Above 1: this curve is the faster one. Both have the same unit. */
export function speedRatio(curve: readonly CurvePoint[], baseline: readonly CurvePoint[]): SpeedRatio {
  const [own, other] = [learningSpeed(curve), learningSpeed(baseline)];
  const sooner = (share: number, baselineAt: number) => {
    const at = firstAt(curve, share * other.final);
    return at === null ? null : baselineAt / at;
  };
  return {
    to90: other.to90 / own.to90,
    to95: other.to95 / own.to95,
    toBaseline90: sooner(0.9, other.to90),
    toBaseline95: sooner(0.95, other.to95),
    mayBeMore: curve[0]!.mIoU >= 0.9 * other.final,
    mayBeLess: baseline[0]!.mIoU >= 0.9 * other.final,
    area: other.area === 0 ? null : own.area / other.area,
  };
}

function area(curve: readonly CurvePoint[]): number {
  let [sum, at, height] = [0, 0, 0];
  for (const point of curve) {
    sum += ((point.at - at) * (point.mIoU + height)) / 2;
    [at, height] = [point.at, point.mIoU];
  }
  return sum / at;
}

function checkCurve(curve: readonly CurvePoint[]): void {
  const refuse = (found: string, expected: string) => new Problem({ what: "learning curve", found, expected });
  if (curve.length === 0) throw refuse("no validation", "at least one");
  for (const [i, { at, mIoU }] of curve.entries()) {
    const before = i === 0 ? 0 : curve[i - 1]!.at;
    if (!(at > before && Number.isFinite(at))) throw refuse(`${at} after ${before}`, "validations in order, after 0");
    if (!(mIoU >= 0 && mIoU <= 1)) throw refuse(`mIoU ${mIoU} at ${at}`, "0 to 1");
  }
}
