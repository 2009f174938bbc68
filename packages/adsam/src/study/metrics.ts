/** What a run is measured by, each quantity once: its name in rows, its title, its unit, and where it is read. */
import { homeScores, scoresOn } from "./cells.js";
import type { StudyRun, StudyScores } from "./results.js";
import { type LearningSpeed, lastValidations, learningSpeed } from "./statistics/learning-speed.js";

export type Unit = "share" | "ratio" | "epochs" | "minutes" | "count" | "seconds" | "bytes" | "joules";

export interface Metric {
  readonly key: string;
  readonly title: string;
  readonly unit: Unit;
  readonly better: "more" | "less";
  /** `null` where the run does not say. */
  readonly read: (run: StudyRun, test: string) => number | null | undefined;
}

/** Scores of any data set; the first is what systems are ordered by. */
export const scoreMetrics: readonly Metric[] = [
  score("mIoU", "mIoU", (scores) => scores.mIoU),
  score("pixelAccuracy", "Pixel accuracy", (scores) => scores.pixelAccuracy),
  score("frequencyWeightedIoU", "Frequency-weighted IoU", (scores) => scores.frequencyWeightedIoU),
  score("boundaryF1", "Boundary F1", (scores) => scores.boundary?.f1),
  score("boundaryIoU", "Boundary IoU", (scores) => scores.boundary?.iou),
];

function score(key: string, title: string, of: (scores: StudyScores) => number | null | undefined): Metric {
  const read: Metric["read"] = (run, test) => {
    const scores = scoresOn(run, test);
    return scores && of(scores);
  };
  return { key, title, unit: "share", better: "more", read };
}

/** Of a data set not trained on. */
export const retentionMetric: Metric = {
  key: "retention",
  title: "Retention",
  unit: "ratio",
  better: "more",
  read: (run, test) => scoresOn(run, test)?.retention?.value,
};

/** Of the curve on the data set trained on. */
export const learningMetrics: readonly Metric[] = [
  {
    key: "epochsTo90",
    title: "Epochs to 90 %",
    unit: "epochs",
    better: "less",
    read: (run) => speed(run, "epoch")?.to90,
  },
  {
    key: "epochsTo95",
    title: "Epochs to 95 %",
    unit: "epochs",
    better: "less",
    read: (run) => speed(run, "epoch")?.to95,
  },
  {
    key: "minutesTo90",
    title: "Minutes to 90 %",
    unit: "minutes",
    better: "less",
    read: (run) => speed(run, "minutes")?.to90,
  },
  {
    key: "minutesTo95",
    title: "Minutes to 95 %",
    unit: "minutes",
    better: "less",
    read: (run) => speed(run, "minutes")?.to95,
  },
  {
    key: "area",
    title: "Area under the curve",
    unit: "share",
    better: "more",
    read: (run) => speed(run, "minutes")?.area,
  },
  {
    key: "stability",
    title: "Spread at the end",
    unit: "share",
    better: "less",
    read: (run) => deviationAtEnd(speed(run, "epoch")?.stability),
  },
];

/** A curve of fewer validations is still on its way up where it begins to count. */
function deviationAtEnd(stability: LearningSpeed["stability"] | undefined): number | null {
  return stability === undefined || stability.validations < lastValidations ? null : stability.deviation;
}

/** What no run tells: the study's own rows give it. */
export const efficiencyMetrics: readonly Omit<Metric, "read">[] = [
  { key: "parameters", title: "Parameters", unit: "count", better: "less" },
  { key: "trainedParameters", title: "Parameters that train", unit: "count", better: "less" },
  { key: "multiplyAdds", title: "Multiply-adds a picture", unit: "count", better: "less" },
  { key: "latency", title: "Seconds a picture", unit: "seconds", better: "less" },
  { key: "memory", title: "Memory", unit: "bytes", better: "less" },
  { key: "energy", title: "Energy a picture", unit: "joules", better: "less" },
];

/** The validations of a run over its epochs or its minutes, as `statistics/learning-speed.ts` takes them. */
export function validations({ curve }: StudyRun, over: "epoch" | "minutes"): { at: number; mIoU: number }[] {
  return curve.flatMap((point) =>
    point.valMIoU === null || point[over] <= 0 ? [] : [{ at: point[over], mIoU: point.valMIoU }],
  );
}

/** `null` for a run without validations. */
export function speed(run: StudyRun, over: "epoch" | "minutes"): LearningSpeed | null {
  const curve = validations(run, over);
  return curve.length === 0 || homeScores(run) === undefined ? null : learningSpeed(curve);
}
