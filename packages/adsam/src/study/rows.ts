/** The study as rows: a system, the data it was trained and scored on, a metric, its value. */
import { bySeed, type Cell, cellsOf, countedClasses, measured, measuredMIoU, minutesOf, scoresIn } from "./cells.js";
import { learningMetrics, type Metric, retentionMetric, scoreMetrics } from "./metrics.js";
import type { StudyResults, StudyRow, StudyScores } from "./results.js";
import { retentionOf } from "./tasks.js";

/** What the runs say, and after it the rows given that the runs do not say. */
export function resultRows({ study, runs, rows }: Pick<StudyResults, "study" | "runs" | "rows">): StudyRow[] {
  const own = cellsOf(runs).flatMap((cell) => [
    ...testsOf(cell).flatMap((test) => rowsOn(study, cell, test)),
    ...learningMetrics.map((metric) => row(study, cell, cell.train, metric)).filter((found) => found !== null),
  ]);
  const places = new Set(own.map(placeOf));
  return [...own, ...rows.filter((given) => !places.has(placeOf(given)))];
}

/** The data sets that a cell has been scored on, its own first. */
export function testsOf({ runs, train }: Cell): string[] {
  const all = new Set(runs.flatMap(({ scores }) => scores.map(({ dataset }) => dataset)));
  return [...all].sort((a, b) => Number(b === train) - Number(a === train));
}

function rowsOn(study: string, cell: Cell, test: string): StudyRow[] {
  const metrics = test === cell.train ? scoreMetrics : [...scoreMetrics, retentionMetric];
  const classes = new Set(scoresIn(cell, test).flatMap(classesIn));
  const ofClasses = [...classes].map(
    (name): Metric => ({
      key: `iou.${name}`,
      title: name,
      unit: "share",
      better: "more",
      read: (run) => classIoU(run.scores, test, name),
    }),
  );
  return [...metrics, ...ofClasses].map((metric) => row(study, cell, test, metric)).filter((found) => found !== null);
}

/** Names of the classes that count: those that a label map leaves out have no IoU worth a row. */
export function classesIn(scores: StudyScores): string[] {
  const counted = countedClasses(scores);
  return scores.perClass.flatMap(({ name }, k) => (counted === undefined || counted.includes(k) ? [name] : []));
}

/** IoU of a class on a data set; nothing where it has no such class or no pixel of it. */
export function classIoU(
  scores: Cell["runs"][number]["scores"],
  test: string,
  name: string,
): number | null | undefined {
  return scores.find(({ dataset }) => dataset === test)?.perClass.find((score) => score.name === name)?.iou;
}

function row(study: string, cell: Cell, test: string, { key, read }: Metric): StudyRow | null {
  const found =
    key === "mIoU"
      ? measuredMIoU(cell, test)
      : key === retentionMetric.key
        ? retentionOf(cell, test)
        : measured(bySeed(cell, (run) => read(run, test)));
  if (!found) return null;
  return {
    study,
    system: cell.system,
    train: cell.train,
    test,
    metric: key,
    value: found.value,
    low: found.interval?.low ?? null,
    high: found.interval?.high ?? null,
    seeds: [...found.seeds],
    minutes: minutesOf(cell),
    ...(cell.budget.pictures !== undefined && { pictures: cell.budget.pictures }),
  };
}

const placeOf = ({ study, system, train, test, metric, minutes, pictures }: StudyRow): string =>
  JSON.stringify([study, system, train, test, metric, minutes, pictures ?? null]);
