/** What a system makes of few pictures: mIoU against the number trained on, at one budget of time. */
import { chartCard } from "../../report/chart-card.js";
import { type Curve, drawCurves } from "../../report/curves.js";
import type { Html } from "../../report/html.js";
import { timeText } from "../budget.js";
import { bySeed, type Cell, measuredMIoU, scoresOn } from "../cells.js";
import type { Task } from "../tasks.js";
import { leadCell, numberCell } from "./accuracy.js";
import { bestOther, cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { slug, type Table, type TableCell } from "./table.js";

/** Tasks of one data set and one budget of time that differ in their pictures alone, fewest first. */
export interface Ladder {
  readonly train: string;
  readonly time: string;
  readonly steps: readonly Step[];
}

interface Step {
  readonly pictures: number | null;
  /** Whether that is a part of the training split. */
  readonly isPart: boolean;
  readonly cells: readonly Cell[];
}

export function laddersOf(view: StudyView): Ladder[] {
  const groups = new Map<string, Task[]>();
  for (const task of view.tasks) {
    const key = JSON.stringify([task.train, timeText(task.budget)]);
    groups.set(key, [...(groups.get(key) ?? []), task]);
  }
  return [...groups.values()]
    .filter((tasks) => tasks.length > 1)
    .map((tasks) => ({
      train: tasks[0]!.train,
      time: timeText(tasks[0]!.budget),
      steps: tasks
        .map((task) => ({
          pictures: picturesOf(task),
          isPart: task.budget.pictures !== undefined,
          cells: cellsFor(view, task, "systems"),
        }))
        .sort((a, b) => (a.pictures ?? Number.POSITIVE_INFINITY) - (b.pictures ?? Number.POSITIVE_INFINITY)),
    }));
}

/** The budget's, or how many the whole split has, where its runs say so. */
const picturesOf = ({ budget, cells }: Task): number | null =>
  budget.pictures ?? cells.find(({ trainPictures }) => trainPictures !== null)?.trainPictures ?? null;

export function ladderChart(view: StudyView, { train, time, steps }: Ladder): Html | null {
  const systems = view.results.systems.filter(({ id }) =>
    steps.some(({ cells }) => cells.some(({ system }) => system === id)),
  );
  const curves: Curve[] = systems.flatMap(({ id }) => {
    const points = steps.flatMap(({ pictures, cells }) => {
      const cell = cells.find(({ system }) => system === id);
      const found = cell && measuredMIoU(cell, train);
      if (!cell || !found || pictures === null) return [];
      const seeds = [...bySeed(cell, (run) => scoresOn(run, train)?.mIoU).values()];
      return [{ pictures, value: found.value, low: Math.min(...seeds), high: Math.max(...seeds) }];
    });
    if (points.length < 2) return [];
    const { title, colour, dash, mark } = view.looks.get(id)!;
    return [
      {
        name: title,
        colour,
        dash,
        mark,
        points: points.map(({ pictures, value }) => [pictures, value] as const),
        band: points.map(({ pictures, low, high }) => [pictures, low, high] as const),
      },
    ];
  });
  if (curves.length === 0) return null;
  const label = `mIoU on ${train} by the number of training pictures: ${curves.map(({ name, points }) => `${name} from ${percent(points[0]![1])} to ${percent(points.at(-1)![1])}`).join(", ")}`;
  const drawing = drawCurves({ label, curves, x: "log", y: "percent", width: 400, height: 250 });
  return chartCard({
    title: `${train}, ${time}: mIoU by training pictures`,
    curves,
    drawing,
    axis: "training pictures",
  });
}

const percent = (share: number | null): string => `${Math.round(100 * (share ?? 0))} %`;

/** A row for each number of pictures, a column for each system, and how far the subject is ahead of the best of the others. */
export function ladderTable(view: StudyView, { train, time, steps }: Ladder): Table {
  const own = view.subject.id;
  const systems = [...view.looks.keys()].filter((id) =>
    steps.some(({ cells }) => cells.some(({ system }) => system === id)),
  );
  return {
    id: slug("data-efficiency", train, time),
    title: `Data efficiency: ${train}, ${time}`,
    note: "Smaller sets lie in the larger ones of the same seed.",
    columns: [
      { title: "Pictures" },
      ...systems.map((id) => ({ title: titleOf(view, id) })),
      { title: `Lead of ${titleOf(view, own)} over the best other, points` },
    ],
    rows: steps.map(({ pictures, cells }): TableCell[] => {
      const found = systems.map((id) => {
        const cell = cells.find(({ system }) => system === id);
        return (cell && measuredMIoU(cell, train)) ?? null;
      });
      const best = Math.max(...found.map((one) => one?.value ?? Number.NEGATIVE_INFINITY));
      const other = bestOther(view, cells, train);
      return [
        pictures === null ? "all" : String(pictures),
        ...found.map((one) => one && numberCell(one, "share", one.value === best)),
        other ? leadCell(subjectCell(view, cells), other, train) : null,
      ];
    }),
  };
}
