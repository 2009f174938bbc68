/** Where the numbers come from, and which are missing. */
import { type Html, html } from "../../report/html.js";
import { moment } from "../../report/numbers.js";
import { budgetText } from "../budget.js";
import { efficiencyMetrics } from "../metrics.js";
import { type StudyView, titleOf } from "./study-view.js";
import type { Table, TableCell } from "./table.js";

/** Hardware, versions, seeds, commands. */
export function provenance({ results }: StudyView): Html {
  const { machine, versions, date, commands, runs, study, quick } = results;
  const seeds = [...new Set(runs.map(({ seed }) => seed))].sort((a, b) => a - b);
  const finished = runs.filter(({ missing }) => missing === undefined).length;
  const facts: [name: string, value: Html | string][] = [
    ["Study", `${study}${quick ? ", quick form" : ""}`],
    ["Machine", machine],
    [
      "Versions",
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(", "),
    ],
    ["Last run", moment(new Date(date))],
    ["Seeds", seeds.join(", ")],
    ["Runs", `${finished} of ${runs.length} complete`],
    ["Commands", html`${commands.map((command) => html`<code class="line">${command}</code>`)}`],
  ];
  return html`<dl class="card facts">${facts.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>
`,
  )}</dl>`;
}

/** Every run that is not complete, with its reason; none where all are. */
export function missingTable(view: StudyView): Table | null {
  const missing = view.results.runs.filter((run) => run.missing !== undefined);
  if (missing.length === 0) return null;
  return {
    id: "missing",
    title: `${missing.length} of ${view.results.runs.length} runs are missing or not complete`,
    columns: [{ title: "Run" }, { title: "Why" }, { title: "System" }, { title: "Task" }, { title: "Seed" }],
    rows: missing.map((run) => [
      run.id,
      run.missing!,
      titleOf(view, run.system),
      `${run.train}, ${budgetText(run.budget)}`,
      String(run.seed),
    ]),
  };
}

/** Every run with its seed and its recipe, and its machine where not all are of one. */
export function runTable(view: StudyView): Table {
  const isOfSeveral = new Set(view.results.runs.flatMap(({ machine }) => machine ?? [])).size > 1;
  return {
    id: "runs",
    title: "All runs",
    columns: [
      { title: "Run" },
      { title: "System" },
      { title: "Task" },
      { title: "Seed" },
      { title: "Recipe" },
      { title: "mIoU" },
      ...(isOfSeveral ? [{ title: "Machine" }] : []),
    ],
    rows: view.results.runs.map((run) => {
      const mIoU = run.scores.find(({ dataset }) => dataset === run.train)?.mIoU;
      return [
        run.id,
        titleOf(view, run.system),
        `${run.train}, ${budgetText(run.budget)}`,
        String(run.seed),
        run.recipeHash.slice(0, 12),
        mIoU == null ? null : { value: mIoU, unit: "share" },
        ...(isOfSeveral ? [run.machine ?? null] : []),
      ];
    }),
  };
}

/** Parameters, multiply-adds, latency, memory, energy: a row a system, those that the study's rows give. */
export function efficiencyTable(view: StudyView): Table | null {
  const { rows } = view.results;
  const metrics = efficiencyMetrics.filter(({ key }) => rows.some(({ metric }) => metric === key));
  if (metrics.length === 0) return null;
  const systems = [...view.looks.keys()].filter((id) =>
    rows.some((row) => row.system === id && metrics.some(({ key }) => key === row.metric)),
  );
  const values = systems.map((id) =>
    metrics.map(({ key }) => rows.find((row) => row.system === id && row.metric === key)),
  );
  const order = systems.map((_, i) => i).sort((a, b) => costOf(values[a]!) - costOf(values[b]!));
  return {
    id: "efficiency",
    title: "What a picture costs",
    note: "The cheapest first. Latency and memory are those of the machine named below.",
    columns: [{ title: "System" }, ...metrics.map(({ title }) => ({ title }))],
    rows: order.map((i): TableCell[] => [
      titleOf(view, systems[i]!),
      ...values[i]!.map((row, k) => {
        const least = Math.min(...values.map((all) => all[k]?.value ?? Number.POSITIVE_INFINITY));
        if (!row) return null;
        const { value, low, high } = row;
        return { value, low, high, unit: metrics[k]!.unit, best: value === least };
      }),
    ]),
    systems: order.map((i) => systems[i]!),
  };
}

/** Ordered by latency, or what else comes last that is known. */
const costOf = (row: readonly ({ readonly metric: string; readonly value: number } | undefined)[]): number =>
  (row.find((one) => one?.metric === "latency") ?? row.findLast((one) => one))?.value ?? Number.POSITIVE_INFINITY;
