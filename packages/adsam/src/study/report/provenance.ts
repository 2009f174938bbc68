/** Where the numbers come from, and which are missing. */
import { type Html, html } from "../../report/html.js";
import { moment } from "../../report/numbers.js";
import { budgetText } from "../budget.js";
import { type StudyView, titleOf } from "./study-view.js";
import type { Table } from "./table.js";

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

const incompleteRuns = ({ results }: StudyView) => results.runs.filter(({ missing }) => missing !== undefined);

/** `7 of 20 runs`, `2 costs`, or both; `null` where nothing is missing. */
export function missingText(view: StudyView): string | null {
  const { runs, unmeasured = [] } = view.results;
  const missing = incompleteRuns(view).length;
  const parts = [
    ...(missing > 0 ? [`${missing} of ${runs.length} runs`] : []),
    ...(unmeasured.length > 0 ? [`${unmeasured.length} ${unmeasured.length === 1 ? "cost" : "costs"}`] : []),
  ];
  return parts.length === 0 ? null : parts.join(" and ");
}

/** Every run that is not complete and every cost that is not known, with its reason; none where all are. */
export function missingTable(view: StudyView): Table | null {
  const text = missingText(view);
  if (text === null) return null;
  const { unmeasured = [] } = view.results;
  return {
    id: "missing",
    title: `${text} are missing or not complete`,
    columns: [{ title: "Run" }, { title: "Why" }, { title: "System" }, { title: "Task" }, { title: "Seed" }],
    rows: [
      ...incompleteRuns(view).map((run) => [
        run.id,
        run.missing!,
        titleOf(view, run.system),
        `${run.train}, ${budgetText(run.budget)}`,
        String(run.seed),
      ]),
      ...unmeasured.map(({ id, missing, system, test }) => [id, missing, titleOf(view, system), `cost, ${test}`, null]),
    ],
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
