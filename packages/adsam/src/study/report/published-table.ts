/** The figures that were printed beside those that were measured here, each in its own column. */
import { timeText } from "../budget.js";
import { bySeed, type Cell, measured, measuredMIoU, minutesOf } from "../cells.js";
import { retentionOf } from "../tasks.js";
import { numberCell } from "./accuracy.js";
import { type PublishedFigure, publishedConditions, publishedFigures } from "./published.js";
import { type StudyView, titleOf } from "./study-view.js";
import type { NumberCell, Table, TableCell } from "./table.js";

/** Figures that this study has measured come first; of the others it is said that it has not. */
export function publishedTable(view: StudyView): Table {
  const lines = publishedFigures.map((figure) => {
    const found = measurementOf(view, figure);
    const unit = figure.metric === "retention" ? ("ratio" as const) : ("share" as const);
    const row: TableCell[] = [
      `${figure.title}: ${quantity(figure)}`,
      { value: figure.value, unit },
      found ? found.cell : "not measured here",
      found ? found.how : "",
      figure.source,
    ];
    return { row, found };
  });
  const ordered = [...lines.filter(({ found }) => found), ...lines.filter(({ found }) => !found)];
  return {
    id: "published-beside-measured",
    title: "Published, and measured here",
    note: publishedConditions,
    columns: [
      { title: "System and quantity" },
      { title: "Published", published: true },
      { title: "Measured here" },
      { title: "With" },
      { title: "Source of the published figure" },
    ],
    rows: ordered.map(({ row }) => row),
  };
}

function quantity({ train, test, metric, pictures }: PublishedFigure): string {
  const data = train === test ? (test ?? "data set not stated") : `${train} → ${test}`;
  const what = typeof metric === "string" ? metric : `mIoU after epoch ${metric.epoch}`;
  return `${what}, ${data}${pictures === undefined ? "" : `, ${pictures} pictures`}`;
}

/** By the cell of the largest budget that is of the same system, data and number of pictures. */
function measurementOf(view: StudyView, figure: PublishedFigure): { cell: NumberCell; how: string } | null {
  const { systems, train, test, metric, pictures } = figure;
  const cells = view.tasks
    .filter((task) => task.train === train && task.budget.pictures === pictures)
    .flatMap((task) => task.cells.filter(({ system }) => systems.includes(system)));
  for (const cell of cells) {
    const found = measuredValue(cell, metric, test);
    const unit = metric === "retention" ? "ratio" : "share";
    if (found) return { cell: numberCell(found, unit)!, how: conditions(view, cell, found.seeds.length) };
  }
  return null;
}

function measuredValue(cell: Cell, metric: PublishedFigure["metric"], test: string | null) {
  if (test === null) return null;
  if (metric === "mIoU") return measuredMIoU(cell, test);
  if (metric === "retention") return retentionOf(cell, test);
  return measured(bySeed(cell, ({ curve }) => curve.find(({ epoch }) => epoch === metric.epoch)?.valMIoU));
}

/** The system by its own title: what is printed of one may stand beside another of its kind. */
function conditions(view: StudyView, cell: Cell, seeds: number): string {
  const minutes = minutesOf(cell);
  const time = cell.budget.minutes !== undefined || minutes === null ? "" : ` (${minutes.toFixed(0)} min)`;
  return `${titleOf(view, cell.system)}, ${timeText(cell.budget)}${time}, ${seeds} ${seeds === 1 ? "seed" : "seeds"}`;
}
