/** What a system keeps of its score on roads that it was not trained on. */
import { type Html, html } from "../../report/html.js";
import { budgetText } from "../budget.js";
import { type Cell, measuredMIoU } from "../cells.js";
import { testsOf } from "../rows.js";
import { areComparable, ranked, retentionOf, type Task } from "../tasks.js";
import { leadCell, numberCell } from "./accuracy.js";
import { lineSample } from "./looks.js";
import { cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { intervalText, numberText, shareText, slug, type Table } from "./table.js";

/** A direction: trained on one, scored on another. */
export interface Transfer {
  readonly task: Task;
  readonly test: string;
  readonly cells: readonly Cell[];
}

/**
 * Each direction once, with the largest budget in which several systems were scored there, or, where none has several, that was scored there at
 * all: longer runs may have been asked at home alone, or of the subject alone.
 */
export function transfersOf(view: StudyView): Transfer[] {
  const all = view.whole.flatMap((task) => {
    const cells = cellsFor(view, task, "systems");
    const tests = [...new Set(cells.flatMap(testsOf))].filter((test) => test !== task.train);
    return tests.map((test) => ({ task, test, cells }));
  });
  const isOf = (one: Transfer) => (other: Transfer) => other.task.train === one.task.train && other.test === one.test;
  return all
    .filter((one, i) => all.findIndex(isOf(one)) === i)
    .map((one) => all.filter(isOf(one)).find(({ test, cells }) => areComparable(cells, test)) ?? one);
}

/** A table a direction, the best mIoU on the unseen data first: who keeps all of a low score has little. */
export function transferTables(view: StudyView): Table[] {
  return transfersOf(view).map(({ task, test, cells }) => {
    const order = ranked(cells, test);
    const own = subjectCell(view, cells);
    const kept = order.map(({ cell }) => retentionOf(cell, test));
    const [bestThere, bestKept] = [order.map(({ mIoU }) => mIoU), kept].map((all) =>
      Math.max(...all.map((found) => found?.value ?? Number.NEGATIVE_INFINITY)),
    );
    return {
      id: slug("transfer", task.train, test, budgetText(task.budget)),
      title: `Transfer: ${task.train} → ${test}, ${budgetText(task.budget)}`,
      note: `Trained on ${task.train}, scored on ${test}, in classes that both have. Retention: mIoU on ${test} / mIoU on ${task.train}, in the same classes.`,
      columns: [
        { title: "System" },
        { title: `mIoU on ${test}`, bar: true },
        { title: `Lead of ${titleOf(view, view.subject.id)}, points` },
        { title: "Retention" },
      ],
      rows: order.map(({ cell, mIoU }, i) => [
        titleOf(view, cell.system),
        numberCell(mIoU, "share", mIoU.value === bestThere),
        leadCell(own, cell, test),
        numberCell(kept[i]!, "ratio", kept[i]?.value === bestKept),
      ]),
      systems: order.map(({ cell }) => cell.system),
    };
  });
}

/** Trained on (down) × scored on (across), a matrix a system; the darker a cell, the more is kept. */
export function transferMatrices(view: StudyView): Html | null {
  const groups = groupsOf(transfersOf(view));
  return groups.length === 0 ? null : html`${groups.map((group) => matrices(view, group))}`;
}

/** Directions by data sets that something joins. */
function groupsOf(transfers: readonly Transfer[]): Transfer[][] {
  const groups: { data: Set<string>; transfers: Transfer[] }[] = [];
  for (const transfer of transfers) {
    const ends = [transfer.task.train, transfer.test];
    const met = groups.filter(({ data }) => ends.some((end) => data.has(end)));
    for (const group of met) groups.splice(groups.indexOf(group), 1);
    const data = new Set([...met.flatMap((group) => [...group.data]), ...ends]);
    groups.push({ data, transfers: [...met.flatMap((group) => group.transfers), transfer] });
  }
  return groups.map((group) => group.transfers);
}

function matrices(view: StudyView, transfers: readonly Transfer[]): Html {
  const tasks = [...new Set(transfers.map(({ task }) => task))];
  const data = [...new Set([...tasks.map(({ train }) => train), ...transfers.map(({ test }) => test)])];
  const systems = [...view.looks.keys()].filter((id) =>
    transfers.some(({ cells }) => cells.some(({ system }) => system === id)),
  );
  return html`<div class="matrices">${systems.map((system) => matrix(view, system, tasks, data))}</div>
`;
}

function matrix(view: StudyView, system: string, tasks: readonly Task[], data: readonly string[]): Html {
  const look = view.looks.get(system)!;
  const row = ({ train, cells }: Task) => {
    const cell = cells.find((one) => one.system === system);
    const budget = cell && budgetText(cell.budget);
    return html`<tr><th scope="row">${train}${budget && html`<span class="from">${budget}</span>`}</th>${data.map((test) => matrixCell(cell, test))}</tr>
`;
  };
  return html`<section class="card matrix"><h3>${lineSample(look)} ${look.title}</h3>
<table><thead><tr><td><span class="from">trained ↓<br>scored →</span></td>${data.map((test) => html`<th scope="col">${test}</th>`)}</tr></thead>
<tbody>${tasks.map(row)}</tbody></table></section>
`;
}

function matrixCell(cell: Cell | undefined, test: string): Html {
  const found = cell && measuredMIoU(cell, test);
  if (!cell || !found) return html`<td class="none">not measured</td>`;
  const kept = test === cell.train ? null : retentionOf(cell, test);
  const strength = Math.round(100 * Math.min(1, test === cell.train ? 0 : (kept?.value ?? 0)) * 0.4);
  const retention =
    test === cell.train
      ? html`<span class="kept">at home</span>`
      : kept &&
        html`<span class="kept">keeps ${numberText({ value: kept.value, unit: "ratio" })} <i>${intervalText(numberCell(kept, "ratio")!)}</i></span>`;
  return html`<td style="background:color-mix(in srgb, var(--accent) ${strength}%, transparent)"><b>${shareText(found.value)}</b>${retention}</td>`;
}
