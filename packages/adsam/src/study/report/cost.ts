/** What each system costs: parameters, multiply-adds, latency, memory, energy. */
import { efficiencyMetrics } from "../metrics.js";
import type { StudyRow } from "../results.js";
import { type StudyView, titleOf } from "./study-view.js";
import { slug, type Table, type TableCell } from "./table.js";

/** A table for each data set whose pictures were passed, a row a system, of what the study's rows give. */
export function costTables(view: StudyView): Table[] {
  const rows = view.results.rows.filter(({ metric }) => efficiencyMetrics.some(({ key }) => key === metric));
  const tests = [...new Set(rows.map(({ test }) => test))];
  return tests.map((test) => {
    const own = rows.filter((row) => row.test === test);
    return costTable(view, own, tests.length === 1 || test === null ? [] : [test]);
  });
}

/** @param of the data set, where there are several */
function costTable(view: StudyView, rows: readonly StudyRow[], of: readonly string[]): Table {
  const metrics = efficiencyMetrics.filter(({ key }) => rows.some(({ metric }) => metric === key));
  const systems = [...view.looks.keys()].filter((id) => rows.some(({ system }) => system === id));
  const machines = new Set(rows.flatMap(({ machine }) => machine ?? []));
  const isOfSeveral = machines.size > 1;
  const lines = systems.map((id) => ({
    id,
    found: metrics.map(({ key }) => rows.find(({ system, metric }) => system === id && metric === key)),
    machine: rows.find(({ system, machine }) => system === id && machine !== undefined)?.machine ?? null,
  }));
  lines.sort((a, b) => costOf(a.found) - costOf(b.found));
  const least = metrics.map((_, k) =>
    Math.min(...lines.map(({ found }) => found[k]?.value ?? Number.POSITIVE_INFINITY)),
  );
  return {
    id: slug("efficiency", ...of),
    title: ["What a picture costs", ...of].join(": "),
    note: ["The cheapest first.", ...machineNote([...machines])].join(" "),
    columns: [
      { title: "System" },
      ...metrics.map(({ title }) => ({ title })),
      ...(isOfSeveral ? [{ title: "Machine" }] : []),
    ],
    rows: lines.map(({ id, found, machine }): TableCell[] => [
      titleOf(view, id),
      ...found.map((row, k) => {
        if (!row) return null;
        const { value, low, high } = row;
        // On another machine less is no merit of the system's.
        const isBest = value === least[k] && !(isOfSeveral && row.machine !== undefined);
        return { value, low, high, unit: metrics[k]!.unit, best: isBest };
      }),
      ...(isOfSeveral ? [machine] : []),
    ]),
    systems: lines.map(({ id }) => id),
  };
}

function machineNote(machines: readonly string[]): string[] {
  if (machines.length === 0) return [];
  return machines.length === 1
    ? [`Latency and memory are those of ${machines[0]}.`]
    : ["Latency and memory are those of the machine beside them, not to be compared with another's."];
}

/** Ordered by latency, or what else comes last that is known. */
const costOf = (row: readonly (StudyRow | undefined)[]): number =>
  (row.find((one) => one?.metric === "latency") ?? row.findLast((one) => one))?.value ?? Number.POSITIVE_INFINITY;
