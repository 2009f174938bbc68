import { renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { makeFolder } from "../data/make-folder.js";
import { cannotWrite } from "../train/append-whole.js";
import { duration } from "../train/duration.js";
import { classTable } from "./class-table.js";
import { confusionDetails } from "./confusion.js";
import { type Html, html } from "./html.js";
import { learningCurves } from "./learning.js";
import { big, bytes, moment, percent } from "./numbers.js";
import { classLegend, pictureGrid } from "./pictures.js";
import type { RunReport } from "./run-report.js";
import { renderPage } from "./shell.js";

/** The whole report as one HTML text that needs nothing beside itself: no script, no font, no address. */
export function renderReport(report: RunReport): string {
  const { title, summary, curves = [], evaluations, pictures = [], recipe } = report;
  const body = html`${headline(report)}
${pictures.length === 0 ? null : pictureSection(report)}
${
  curves.length === 0
    ? null
    : html`<h2>How it learned</h2>
<p class="lead">One point an epoch. The score is taken on pictures that were never trained on.</p>
${learningCurves(curves)}`
}
${evaluations.length === 0 ? null : evaluationSection(report)}
<h2>The run</h2>
${facts(report)}
${recipe === undefined ? null : html`<details class="card"><summary>The recipe, complete</summary><pre>${recipe}</pre></details>`}
${nextSteps(report)}`;
  return renderPage({ title, kicker: `AD-SAM · ${moment(report.when)}`, summary, body });
}

/**
 * Writes the report, whole or not at all; makes the folder.
 * @throws Problem where the disk is full or the folder may not be written
 */
export function writeReport(path: string, report: RunReport): void {
  const text = renderReport(report);
  try {
    makeFolder(dirname(path));
    writeFileSync(`${path}.partial`, text);
    renameSync(`${path}.partial`, path);
  } catch (error) {
    try {
      rmSync(`${path}.partial`, { force: true });
    } catch {} // the folder itself may not be there; the first failure is the one to tell
    throw cannotWrite(path, error);
  }
}

/** The few numbers that one came for. */
function headline({ evaluations, retention, timing, model }: RunReport): Html {
  const cards: { name: string; value: string; note: string }[] = evaluations.map((evaluation) => ({
    name: `mIoU, ${evaluation.dataset}`,
    value: percent(evaluation.mIoU),
    note: `${evaluation.split}, ${evaluation.pictures} pictures`,
  }));
  if (retention !== undefined) {
    const value = retention.value === null ? "–" : retention.value.toFixed(2);
    cards.push({ name: "Retention", value, note: `${retention.from} → ${retention.to}` });
  }
  if (timing !== undefined) {
    const pace =
      timing.picturesPerSecond === undefined
        ? ""
        : `${Number(timing.picturesPerSecond.toPrecision(2))} pictures a second`;
    cards.push({ name: "Time, all in all", value: duration(timing.totalSeconds), note: pace });
  }
  if (model !== undefined) {
    cards.push({
      name: "Trained parameters",
      value: big(model.parameters.trained),
      note: `${big(model.parameters.frozen)} frozen`,
    });
  }
  if (cards.length === 0) return html``;
  return html`<dl class="card figures">${cards.map(
    ({
      name,
      value,
      note,
    }) => html`<div><dt>${name}</dt><dd><span class="value">${value}</span><span class="note">${note}</span></dd></div>
`,
  )}</dl>`;
}

function pictureSection({ pictures = [], evaluations }: RunReport): Html {
  const classes = evaluations[0]?.perClass ?? [];
  return html`<h2>What it sees</h2>
${classes.length === 0 ? null : classLegend(classes)}
${pictureGrid(pictures)}`;
}

function evaluationSection({ evaluations }: RunReport): Html {
  const rules = [...new Set(evaluations.flatMap(({ rule }) => (rule === undefined ? [] : [rule])))];
  return html`<h2>Class by class</h2>
${rules.map((rule) => html`<p class="lead">${rule}</p>`)}
<div class="evaluations">${evaluations.map(classTable)}</div>
${evaluations.map(confusionDetails)}`;
}

function facts({ command, machine, when, model, timing }: RunReport): Html {
  const rows: [name: string, value: Html | string][] = [
    ["Command", html`<code>${command}</code>`],
    ["Finished", moment(when)],
    ["Machine", machine],
  ];
  if (model !== undefined) {
    const { name, input, parameters, multiplyAdds } = model;
    const work = multiplyAdds === undefined ? "" : `, ${big(multiplyAdds)} multiply-adds a picture`;
    const counts = `${big(parameters.trained)} parameters train, ${big(parameters.frozen)} are frozen`;
    rows.push(["Network", `${name} at ${input.height} × ${input.width} (height × width): ${counts}${work}`]);
  }
  if (timing !== undefined) {
    const { totalSeconds, trainSeconds, peakResidentBytes } = timing;
    rows.push([
      "Time",
      `${duration(totalSeconds)}${trainSeconds === undefined ? "" : `, ${duration(trainSeconds)} of it training`}`,
    ]);
    if (peakResidentBytes !== undefined) rows.push(["Memory", `${bytes(peakResidentBytes)} at its peak`]);
  }
  return html`<dl class="card facts">${rows.map(
    ([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>
`,
  )}</dl>`;
}

function nextSteps({ next = [] }: RunReport): Html | null {
  if (next.length === 0) return null;
  const marked = (text: string) => text.split("`").map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
  return html`<h2>What to try next</h2>
<ul class="next">${next.map((step) => html`<li>${marked(step)}</li>`)}</ul>`;
}
