/** The study's report as one HTML text. */
import { type Html, html } from "../../report/html.js";
import { moment } from "../../report/numbers.js";
import { renderPage } from "../../report/shell.js";
import { ablationTables, accuracyTables, classTables } from "./accuracy.js";
import { type Answer, answersOf } from "./answers.js";
import { confusionMatrices } from "./confusions.js";
import { costTables } from "./cost.js";
import { ladderChart, laddersOf, ladderTable } from "./data-efficiency.js";
import { learningCharts, learningTables } from "./learning.js";
import type { PictureChoice } from "./picture-choice.js";
import { type LoadedPictures, pictureSection } from "./picture-section.js";
import { missingTable, missingText, provenance, runTable } from "./provenance.js";
import { publishedClaims } from "./published.js";
import { publishedTable } from "./published-table.js";
import { studyStyle } from "./study-style.js";
import { type StudyView, titleOf } from "./study-view.js";
import type { Table } from "./table.js";
import { tableHtml, verdictChip } from "./table-html.js";
import { transferMatrices, transferTables } from "./transfer.js";

/** @param choice pictures chosen, of which `loaded` has each; nothing where the study kept none */
export function renderStudyReport(view: StudyView, choice: readonly PictureChoice[], loaded: LoadedPictures): string {
  const { study, asked, date, quick, notes = [] } = view.results;
  const tables = (list: readonly Table[]) => list.map((table) => tableHtml(table, view.looks));
  const section = (id: string, title: string, lead: string, parts: readonly (Html | null)[]): Html | null =>
    parts.some((part) => part !== null)
      ? html`<h2 id="${id}">${title}</h2>
<p class="lead">${lead}</p>
${parts}`
      : null;
  const confusions = confusionMatrices(view);
  const missing = missingTable(view);
  const costs = costTables(view);
  const body = html`${warnings(view)}
${answerCards(view)}
${notes.length > 0 && html`<ul class="next notes">${notes.map((note) => html`<li>${note}</li>`)}</ul>`}
${section("accuracy", "Accuracy", `mIoU at the labels' own size, the best first. ${differencesSaid}`, tables(accuracyTables(view)))}
${section("classes", "Class by class", "Each class counts the same in the mIoU, however few its pixels.", tables(classTables(view)))}
${section("ablations", "What each part is worth", "The same network without one of its parts.", tables(ablationTables(view)))}
${charts("learning", "Learning speed", "Lines are means over the seeds, as far as all of them go; bands reach from the lowest seed to the highest. Scored on pictures that were never trained on.", learningCharts(view), tables(learningTables(view)))}
${charts(
  "data-efficiency",
  "Data efficiency",
  "The same budget of time, fewer pictures. The axis is logarithmic; bands reach from the lowest seed to the highest.",
  laddersOf(view).flatMap((ladder) => ladderChart(view, ladder) ?? []),
  tables(laddersOf(view).map((ladder) => ladderTable(view, ladder))),
)}
${section("transfer", "Transfer", "Scored on roads never trained on, through a map between the classes. The darker a cell, the more of the score at home is kept.", [transferMatrices(view), ...tables(transferTables(view))])}
${section("published", "The paper's figures beside these", `Italic and with a dotted line: printed by others, not measured here. The paper also claims: ${publishedClaims.join("; ")}.`, tables([publishedTable(view)]))}
${section(
  "pictures",
  "What they see",
  "Each system's best, median and worst picture of the validation split.",
  choice.map((one) => pictureSection(view, one, loaded)),
)}
${confusions.length > 0 && html`<h2 id="confusions">Confusion matrices</h2>${confusions}`}
${costs.length > 0 && html`<h2 id="efficiency">Cost</h2>${tables(costs)}`}
${missing && html`<h2 id="missing">What is missing</h2>${tableHtml(missing)}`}
<h2 id="origin">Where the numbers come from</h2>
${provenance(view)}
<details class="card"><summary>All ${view.results.runs.length} runs, with seeds and recipes</summary><div class="inner">${tableHtml(runTable(view))}</div></details>`;
  const kicker = `AD-SAM · study “${study}”${quick ? ", quick form" : ""} · ${moment(new Date(date))}`;
  const others = view.results.systems.filter(({ kind }) => kind === "baseline").map(({ title }) => title);
  const title = `${titleOf(view, view.subject.id)} beside ${listed(others) || "nothing else"}`;
  return renderPage({ title, kicker, summary: asked, body, moreStyle: studyStyle });
}

const differencesSaid =
  "Differences are of the seeds that both have been run with: inside the noise where the 95 % interval holds 0, over those seeds or, of a single " +
  "one, over the pictures; with fewer than three seeds nothing more is claimed.";

const listed = (names: readonly string[]): string =>
  names.length < 2 ? (names[0] ?? "") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;

function charts(id: string, title: string, lead: string, drawn: readonly Html[], tables: readonly Html[]): Html | null {
  if (drawn.length + tables.length === 0) return null;
  return html`<h2 id="${id}">${title}</h2>
<p class="lead">${lead}</p>
<div class="charts wide">${drawn}</div>
${tables}`;
}

function warnings(view: StudyView): Html | null {
  const { quick } = view.results;
  const missing = missingText(view);
  if (!quick && missing === null) return null;
  return html`<div class="card warning" role="note">${
    quick &&
    html`<p><b>Quick form.</b> Everything was run, but so shortly that no system learned well: these numbers say that the study works, not which system is better.</p>`
  }${
    missing !== null &&
    html`<p><b>${missing} are missing or not complete:</b> <a href="#missing">which, and why</a>.</p>`
  }</div>`;
}

function answerCards(view: StudyView): Html {
  return html`<div class="answers">${answersOf(view).map(answerCard)}</div>`;
}

function answerCard({ question, answers }: Answer): Html {
  return html`<section class="card answer"><h2>${question}</h2>
${answers.map(
  ({
    where,
    text,
    verdict,
  }) => html`<div class="finding"><p>${where && html`<b>${where}</b>`}${verdict && verdictChip(verdict)}</p><p>${text}</p></div>
`,
)}</section>
`;
}
