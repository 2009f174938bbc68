/** Who scores best: a table a task, from the best mIoU to the worst, and what each class has to do with it. */
import { budgetText } from "../budget.js";
import { bySeed, type Cell, type Measured, measured, scoresIn } from "../cells.js";
import { scoreMetrics, type Unit } from "../metrics.js";
import { classIoU } from "../rows.js";
import { pairedSeeds } from "../statistics/wording.js";
import { lead, ranked, type Task } from "../tasks.js";
import { cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { type NumberCell, slug, type Table, type TableCell } from "./table.js";

/** One table for each whole task. */
export function accuracyTables(view: StudyView): Table[] {
  return view.whole.flatMap((task) => {
    const cells = cellsFor(view, task, "systems");
    return cells.length === 0
      ? []
      : [scoreTable(view, task, cells, "accuracy", `Accuracy: ${task.train}, ${budgetText(task.budget)}`)];
  });
}

/** The subject with parts taken out, where the study has such. */
export function ablationTables(view: StudyView): Table[] {
  return view.whole.flatMap((task) => {
    const cells = cellsFor(view, task, "ablations");
    const title = `${titleOf(view, view.subject.id)} with parts taken out: ${task.train}, ${budgetText(task.budget)}`;
    return cells.length < 2 ? [] : [scoreTable(view, task, cells, "ablations", title)];
  });
}

function scoreTable(view: StudyView, task: Task, cells: readonly Cell[], id: string, title: string): Table {
  const order = ranked(cells, task.train);
  const own = subjectCell(view, cells);
  const metrics = scoreMetrics.filter(({ read }) =>
    order.some(({ cell }) => bySeed(cell, (run) => read(run, task.train)).size > 0),
  );
  const values = order.map(({ cell, mIoU }) =>
    metrics.map(({ key, read }) => (key === "mIoU" ? mIoU : measured(bySeed(cell, (run) => read(run, task.train))))),
  );
  const best = metrics.map((_, k) => Math.max(...values.map((row) => row[k]?.value ?? Number.NEGATIVE_INFINITY)));
  const rows = order.map(({ cell, mIoU }, i): TableCell[] => {
    const [first, ...others] = values[i]!.map((found, k) => numberCell(found, "share", found?.value === best[k]));
    const shortOthers = others.map((found) => found && short(found));
    return [titleOf(view, cell.system), first!, leadCell(own, cell, task.train), ...shortOthers, mIoU.seeds.join(", ")];
  });
  const whose = titleOf(view, view.subject.id);
  return {
    id: slug(id, task.train, budgetText(task.budget)),
    title,
    note: scoreNote(
      order.map(({ mIoU }) => mIoU),
      rows.some(([, , cell]) => typeof cell === "object" && cell?.of !== undefined),
    ),
    columns: [
      { title: "System" },
      { title: "mIoU", bar: true },
      { title: `Lead of ${whose}, points` },
      ...metrics.slice(1).map((metric) => ({ title: metric.title })),
      { title: "Seeds", short: true },
    ],
    rows,
    systems: order.map(({ cell }) => cell.system),
  };
}

/** Whether intervals are over seeds or over pictures, and leads of some seeds alone: said once, above the table. */
function scoreNote(all: readonly Measured[], isOfSome: boolean): string {
  const over = new Set(all.map((found) => found.over));
  const said = [
    over.has("seeds") && "Means over the seeds with 95 % intervals (Student's t).",
    over.has("pictures") && "Single seeds: 95 % intervals over the pictures (bootstrap), which other seeds may leave.",
    over.has(null) && "Values without an interval are of a single run.",
    isOfSome &&
      "A lead is of the seeds that both have, and these are named where either has more: it is not the difference of the means.",
  ];
  return said.filter((text) => text).join(" ");
}

export function numberCell(found: Measured | null, unit: Unit, best = false): NumberCell | null {
  if (!found) return null;
  const { value, interval } = found;
  return { value, unit, ...(interval && { low: interval.low, high: interval.high }), ...(best && { best }) };
}

/** Without its interval, which the rows in the files keep. */
const short = ({ low: _low, high: _high, ...cell }: NumberCell): NumberCell => cell;

/** How far the subject is ahead of a system, and whether that is more than noise; nothing for itself. */
export function leadCell(own: Cell | undefined, other: Cell, test: string): NumberCell | null {
  const difference = own === undefined || own === other ? null : lead(own, other, test);
  if (!difference) return null;
  const { value, interval, verdict } = difference;
  const of = pairedSeeds(difference);
  return {
    value,
    unit: "points",
    verdict,
    ...(interval && { low: interval.low, high: interval.high }),
    ...(of !== null && { of }),
  };
}

/** IoU of each class by each system, those first where the subject is furthest ahead of the best other. */
export function classTables(view: StudyView): Table[] {
  return view.main.flatMap((task) => {
    const order = ranked(cellsFor(view, task, "systems"), task.train).map(({ cell }) => cell);
    const shares = classShares(order, task.train);
    if (shares.size === 0) return [];
    const lines = [...shares].map(([name, share]) => {
      const ious = order.map((cell) => measured(bySeed(cell, (run) => classIoU(run.scores, task.train, name))));
      const of = (subject: boolean) =>
        ious.flatMap((found, i) => (found && (order[i]!.system === view.subject.id) === subject ? [found.value] : []));
      const margin = of(true).length === 0 || of(false).length === 0 ? 0 : of(true)[0]! - Math.max(...of(false));
      return { name, share, ious, margin };
    });
    lines.sort((a, b) => b.margin - a.margin);
    return [
      {
        id: slug("classes", task.train, budgetText(task.budget)),
        title: `IoU of each class: ${task.train}, ${budgetText(task.budget)}`,
        note: `Above, the classes where ${titleOf(view, view.subject.id)} is furthest ahead of the best other; below, those where it is behind. The best of each row is bold.`,
        columns: [
          { title: "Class" },
          ...order.map(({ system }) => ({ title: titleOf(view, system) })),
          { title: "Pixels" },
        ],
        rows: lines.map(({ name, share, ious }) => {
          const best = Math.max(...ious.map((found) => found?.value ?? Number.NEGATIVE_INFINITY));
          const cells = ious.map((found) => found && short(numberCell(found, "share", found.value === best)!));
          return [name, ...cells, { value: share, unit: "share" }];
        }),
      },
    ];
  });
}

/** Class → its share of the labelled pixels. */
function classShares(cells: readonly Cell[], test: string): Map<string, number> {
  const [scores] = cells.flatMap((cell) => scoresIn(cell, test));
  const perClass = scores?.perClass ?? [];
  const all = perClass.reduce((sum, { pixels }) => sum + pixels, 0);
  return new Map(perClass.map(({ name, pixels }) => [name, all === 0 ? 0 : pixels / all]));
}
