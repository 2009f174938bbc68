/** How fast each system learns: curves over epochs and over minutes, and what is read from them. */
import { chartCard } from "../../report/chart-card.js";
import { type Curve, drawCurves } from "../../report/curves.js";
import type { Html } from "../../report/html.js";
import { budgetText } from "../budget.js";
import { bySeed, type Cell, type Measured, measured, pairedRuns } from "../cells.js";
import { learningMetrics, validations } from "../metrics.js";
import { type SpeedRatio, speedRatio } from "../statistics/learning-speed.js";
import type { Task } from "../tasks.js";
import { numberCell } from "./accuracy.js";
import { type Banded, overEpochs, overMinutes } from "./bands.js";
import { cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { type Bound, slug, type Table, type TableCell } from "./table.js";

const [width, height] = [400, 250];

/** Two charts a task: what an epoch brings, and what a minute brings. */
export function learningCharts(view: StudyView): Html[] {
  return view.whole.flatMap((task) => {
    const cells = cellsFor(view, task, "systems");
    return [
      ...curveChart(view, task, cells, "epoch", overEpochs),
      ...curveChart(view, task, cells, "minutes", overMinutes),
    ];
  });
}

function curveChart(
  view: StudyView,
  { train, budget }: Task,
  cells: readonly Cell[],
  over: "epoch" | "minutes",
  join: (curves: { points: ReturnType<typeof validations> }[]) => Banded,
): Html[] {
  const curves: Curve[] = cells.flatMap((cell) => {
    const seeds = cell.runs
      .map((run) => ({ points: validations(run, over) }))
      .filter(({ points }) => points.length > 0);
    if (seeds.length === 0) return [];
    const { line, band } = join(seeds);
    const { title, colour, dash } = view.looks.get(cell.system)!;
    return line.length === 0 ? [] : [{ name: title, colour, dash, points: line, band }];
  });
  if (curves.length === 0) return [];
  const ends = curves.map(({ name, points }) => `${name} ends at ${Math.round(100 * points.at(-1)![1]!)} %`);
  const label = `Validation mIoU on ${train} over ${over === "epoch" ? "epochs" : "minutes"}: ${ends.join(", ")}`;
  const title = `${train}, ${budgetText(budget)}: mIoU by ${over === "epoch" ? "epoch" : "minute"}`;
  const drawing = drawCurves({ label, curves, y: "percent", width, height });
  return [chartCard({ title, curves, drawing, axis: over === "epoch" ? "epoch" : "minutes of training" })];
}

/** One table a task, the fastest (by the area under its curve) first. */
export function learningTables(view: StudyView): Table[] {
  return view.whole.flatMap((task) => {
    const cells = cellsFor(view, task, "systems");
    const own = subjectCell(view, cells);
    const metrics = learningMetrics.filter(({ read }) =>
      cells.some((cell) => bySeed(cell, (run) => read(run, task.train)).size > 0),
    );
    const lines = cells
      .map((cell) => ({
        cell,
        found: new Map(metrics.map(({ key, read }) => [key, measured(bySeed(cell, (run) => read(run, task.train)))])),
      }))
      .filter(({ found }) => [...found.values()].some((value) => value !== null));
    if (lines.length === 0) return [];
    lines.sort((a, b) => (b.found.get("area")?.value ?? 0) - (a.found.get("area")?.value ?? 0));
    const sooner = lines.map(({ cell }) => (own === undefined || own === cell ? null : soonerCell(own, cell)));
    const isBounded = sooner.some((cell) => cell === notSeen || (typeof cell === "object" && cell?.bound));
    const best = new Map(
      metrics.map(({ key, better }) => {
        const values = lines.flatMap(({ found }) => found.get(key)?.value ?? []);
        return [key, better === "more" ? Math.max(...values) : Math.min(...values)];
      }),
    );
    return [
      {
        id: slug("learning", task.train, budgetText(task.budget)),
        title: `Learning speed: ${task.train}, ${budgetText(task.budget)}`,
        note: [
          "90 and 95 % are of a system's own final mIoU, so a low final score is soon reached: the last column asks when the others' 90 % is " +
            "reached, in minutes. Area: mean height of the curve over the minutes.",
          best.has("stability") && "Spread: standard deviation of the last ten validations, of runs that have as many.",
          isBounded && "≥, ≤: who is there at the first validation was so before, nobody knows since when.",
        ]
          .filter((text) => text)
          .join(" "),
        columns: [
          { title: "System" },
          ...metrics.map(({ title }) => ({ title })),
          { title: `${titleOf(view, view.subject.id)} is there sooner, times` },
        ],
        rows: lines.map(({ cell, found }, line) => [
          titleOf(view, cell.system),
          ...metrics.map(({ key, unit }) => {
            const one = found.get(key);
            return one ? { value: one.value, unit, best: one.value === best.get(key) } : null;
          }),
          sooner[line]!,
        ]),
        systems: lines.map(({ cell }) => cell.system),
      },
    ];
  });
}

const notSeen = "not seen";

/** How many times sooner the subject is at 90 % of the other's final mIoU than the other; `never`, `never in 1 of 3` where seeds are not. */
function soonerCell(own: Cell, other: Cell): TableCell {
  const found = soonerBySeed(own, other);
  if (found.size === 0) return null;
  const cell = numberCell(soonerMean(found), "ratio");
  const short = shortOf(found);
  if (!cell) return short === found.size ? "never" : `never in ${short} of ${found.size}`;
  const bound = soonerBound(own, other);
  return bound === "unknown" ? notSeen : { ...cell, ...(bound && { bound }) };
}

/**
 * Mean over the seeds, `null` where a seed never gets there. Ratios are averaged on a logarithm: twice as fast and half as fast lie
 * equally far from 1.
 */
export function soonerMean(ratios: ReadonlyMap<number, number | null>): Measured | null {
  const reached = [...ratios].filter((pair): pair is [number, number] => pair[1] !== null);
  const mean =
    reached.length < ratios.size ? null : measured(new Map(reached.map(([seed, ratio]) => [seed, Math.log(ratio)])));
  if (!mean) return null;
  const { value, interval } = mean;
  const back = interval && { ...interval, low: Math.exp(interval.low), high: Math.exp(interval.high) };
  return { ...mean, value: Math.exp(value), interval: back };
}

/** In how many seeds the subject never gets there. */
export const shortOf = (ratios: ReadonlyMap<number, number | null>): number =>
  [...ratios.values()].filter((ratio) => ratio === null).length;

/** Seed → the ratio in minutes; `null` where the subject never reaches it. */
export function soonerBySeed(own: Cell, other: Cell): Map<number, number | null> {
  return new Map([...ratiosBySeed(own, other)].map(([seed, { toBaseline90 }]) => [seed, toBaseline90]));
}

/**
 * Which way those ratios may be off, `null` for none: where a first validation is already above the mark, it was passed before, nobody knows
 * when; `unknown` where both systems' are.
 */
export function soonerBound(own: Cell, other: Cell): Bound | "unknown" | null {
  const ratios = [...ratiosBySeed(own, other).values()];
  const [more, less] = [ratios.some(({ mayBeMore }) => mayBeMore), ratios.some(({ mayBeLess }) => mayBeLess)];
  if (more && less) return "unknown";
  return more ? "at least" : less ? "at most" : null;
}

/** Of the curves over minutes, for each seed that both have validated. */
function ratiosBySeed(own: Cell, other: Cell): Map<number, SpeedRatio> {
  const pairs = pairedRuns(own, other).flatMap(([run, twin]) => {
    const [curve, baseline] = [validations(run, "minutes"), validations(twin, "minutes")];
    if (curve.length === 0 || baseline.length === 0) return [];
    return [[run.seed, speedRatio(curve, baseline)] as const];
  });
  return new Map(pairs);
}
