/** A study in a terminal. */

import { readFileSync } from "node:fs";
import { budgetText } from "../study/budget.js";
import type { Cost } from "../study/efficiency/measure.js";
import type { Estimate } from "../study/plan/estimate.js";
import type { PlannedRun, StudyPlan } from "../study/plan/plan.js";
import type { Study } from "../study/plan/read.js";
import type { Gathered } from "../study/runner/gather.js";
import type { StudyFolder } from "../study/runner/layout.js";
import type { StudySummary, StudyVoice } from "../study/runner/run.js";
import { type RunState, type StudyStatus, states } from "../study/runner/status.js";
import { duration } from "../train/duration.js";
import { type TrainEventName, TrainEventStream, type TrainEvents } from "../train/events.js";
import { trainProgress } from "../train/progress.js";
import type { Output } from "./output.js";
import { type ProgressLine, progressLine } from "./progress-line.js";
import { percent } from "./scores-print.js";

/**
 * Tells of runs while they go on, on stderr. A single one at a time is shown as `adsam train` shows it, with its bar; several at once
 * have a line an epoch each.
 */
export function studyVoice(
  study: Study,
  { output, jobs }: { readonly output: Output; readonly jobs: number },
): StudyVoice {
  const { bold, dim, red, green } = output.progressStream.isTTY ? output.colours : plain;
  const title = (data: string) => study.data[data]!.title;
  const named = (run: PlannedRun) =>
    `${study.systems[run.system]!.title} on ${title(run.train)}, ${budgetText(run.budget)}, seed ${run.seed}`;
  const before = (run: PlannedRun) => (jobs === 1 ? "" : `${dim(run.place)}  `);
  let [bar, drawn]: [ProgressLine | undefined, string] = [undefined, ""];
  let pid = 0;
  let events: TrainEventStream | undefined;
  const endProgress = () => {
    events?.close();
    events = undefined;
  };
  return {
    drawing(name, done, total) {
      if (name !== drawn) {
        output.note(`drawing ${total} pictures of ${title(name)}`);
        bar = progressLine(output, title(name));
        drawn = name;
      }
      bar?.update(done, total);
      if (done === total) bar?.end();
    },
    runStarted(run, place, of) {
      output.note(`${bold(`run ${place} of ${of}`)}  ${named(run)}  ${dim(run.id)}`);
      if (jobs > 1) return;
      events = new TrainEventStream();
      events.subscribe(trainProgress({ stream: output.progressStream, residentBytes: () => residentBytes(pid) }));
    },
    processStarted(_, started) {
      pid = started;
    },
    training(run, name, event) {
      if (jobs === 1) events?.emit(name, event as never);
      else severally(run, name, event as never);
    },
    scoring(_, test) {
      endProgress();
      if (output.progressStream.isTTY && jobs === 1) output.progressStream.write(`scoring on ${title(test)}`);
    },
    scored(run, test, { mIoU, retention }) {
      if (output.progressStream.isTTY && jobs === 1) output.progressStream.write("\r\x1b[K");
      const kept = retention?.value ?? null;
      const facts = `mIoU ${percent(mIoU)}${kept === null ? "" : `, ${kept.toFixed(2)} of it kept`}`;
      output.note(`${before(run)}${title(test)}  ${facts}`);
    },
    runEnded(run, end, error) {
      endProgress();
      const words = {
        done: green("done"),
        failed: red("failed"),
        stopped: "stopped",
        unscored: `trained; not scored where data are missing (--data NAME=FOLDER)`,
      };
      const word = words[end];
      output.note(`${before(run)}${word}${error === undefined ? "" : `: ${error}`}`);
      if (jobs === 1) output.note("");
    },
    measuring: ({ system, data }) =>
      output.note(`measuring ${study.systems[system]!.title} on a picture of ${title(data)}`),
    measureEnded(_, error) {
      if (error !== undefined) output.note(`${red("failed")}: ${error}`);
    },
  };

  function severally<Name extends TrainEventName>(run: PlannedRun, name: Name, event: TrainEvents[Name]): void {
    if (name === "warning") output.note(`${before(run)}warning: ${(event as TrainEvents["warning"]).message}`);
    if (name !== "epochFinished") return;
    const { epoch, loss, validation, seconds } = event as TrainEvents["epochFinished"];
    const facts = [
      `loss ${loss.toFixed(4)}`,
      ...(validation ? [`mIoU ${percent(validation.mIoU)}`] : []),
      duration(seconds + (validation?.seconds ?? 0)),
    ];
    const of = run.budget.minutes === undefined ? `/${run.recipe.train.epochs}` : "";
    output.note(`${before(run)}epoch ${epoch}${of}  ${facts.join(" · ")}`);
  }
}

/** Where notes are kept in a file, colours would be signs in it. */
const same = (text: string): string => text;
const plain = { bold: same, dim: same, red: same, green: same };

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** Of a process of this machine; 0 where the system does not say. */
function residentBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export function printSummary(
  { done, failed, elsewhere, left, stopped, results }: StudySummary,
  {
    plan,
    again,
    report,
    output,
  }: { readonly plan: StudyPlan; readonly again: string; readonly report: string; readonly output: Output },
): void {
  const { bold, dim } = output.colours;
  output.line(
    `${bold(`${done} of ${counted(plan.runs.length, "run")} done`)}${failed.length > 0 ? `, ${failed.length} failed` : ""}`,
  );
  for (const { id, error } of failed) output.line(`  ${id}: ${error}`);
  for (const { id, by } of elsewhere) output.line(`  ${id}: ${by} is at it`);
  for (const { id, why } of left) output.line(`  ${id}: ${why}`);
  printFiles({ results, report }, output);
  if (stopped) output.line(`Stopped; what was learned is saved. Continue with: ${again}`);
  else if (failed.length > 0) output.line(dim(`Mend what failed, then: ${again}`));
  else if (elsewhere.length + left.length > 0) output.line(dim(`Not all is done. Go on with: ${again}`));
}

const scoredAnew = "run the study as it is now there, then gather again";

/** @param files undefined where there was nothing to write of */
export function printGathered(
  { runs: { taken, known, unfinished }, unscored, measured }: Gathered,
  files: { readonly results: string; readonly report: string } | undefined,
  output: Output,
): void {
  const { bold, dim } = output.colours;
  const costs =
    measured.length === 0
      ? ""
      : `, and what ${counted(measured.length, "system")} cost${measured.length === 1 ? "s" : ""}`;
  output.line(`${bold(`${counted(taken.length, "run")} taken`)}${costs}`);
  for (const id of taken) output.line(`  ${id}`);
  if (known.length > 0) output.line(dim(`${counted(known.length, "run")} stood here before`));
  for (const id of unfinished) output.line(`  ${id}: not finished there`);
  const without = unscored.filter(({ differs }) => differs === undefined);
  for (const on of new Set(without.map((one) => one.on))) {
    const ids = without.filter((one) => one.on === on).map(({ id }) => id);
    output.line(`${counted(ids.length, "run")} without scores on ${on}: run the study there first, then gather again`);
    for (const id of ids) output.line(`  ${id}`);
  }
  for (const { id, on, differs } of unscored)
    if (differs !== undefined)
      output.line(`  ${id}: its scores on ${on} are of another scoring (${differs}) and were left; ${scoredAnew}`);
  if (files) printFiles(files, output);
}

function printFiles({ results, report }: { readonly results: string; readonly report: string }, output: Output): void {
  output.line(`results  ${results}`);
  output.line(`report   ${report}`);
}

export function printPlan(
  study: Study,
  { runs, measures }: StudyPlan,
  { folder, minutes }: { readonly folder: StudyFolder; readonly minutes: Estimate },
  output: Output,
): void {
  const { bold, dim } = output.colours;
  output.line(`${bold(study.title)}  ${dim(folder.root)}`);
  output.line();
  output.table(
    [{ title: "run" }, { title: "scored on" }, { title: "for" }],
    runs.map(({ id, tests, experiments }) => [id, tests.join(", "), experiments.join(", ")]),
  );
  if (runs.length > 0 && measures.length > 0) output.line();
  if (measures.length > 0)
    output.table(
      [{ title: "measured" }],
      measures.map(({ id }) => [id]),
    );
  output.line();
  const { training, beside, unknown } = minutes;
  const time =
    unknown === runs.length
      ? ""
      : `: ${duration(60 * training)} of training, about ${duration(60 * (training + beside))} with scoring on two cores${unknown > 0 ? `, and ${counted(unknown, "run")} that end${unknown === 1 ? "s" : ""} by epochs` : ""}`;
  output.line(`${counted(runs.length, "run")}${time}, one after another.`);
}

export function printStatus({ runs, counts, folder, measured }: StudyStatus, study: Study, output: Output): void {
  const { bold, dim, green, red, yellow, cyan } = output.colours;
  const colour: Record<RunState, (text: string) => string> = {
    done: green,
    running: cyan,
    waiting: dim,
    failed: red,
    missing: yellow,
    outdated: yellow,
  };
  output.line(`${bold(study.title)}  ${dim(folder)}`);
  output.line();
  output.table(
    [
      { title: "run" },
      { title: "state" },
      { title: "epochs", align: "right" },
      { title: "minutes", align: "right" },
      { title: "mIoU", align: "right" },
      { title: "" },
    ],
    runs.map(({ place, state, epoch, epochs, minutes, ofMinutes, mIoU, remark }) => [
      place,
      colour[state](state),
      epoch === 0 && state !== "running" ? "" : epochs === null ? String(epoch) : `${epoch}/${epochs}`,
      minutes === 0 ? "" : `${minutes.toFixed(1)}${ofMinutes === null || minutes >= ofMinutes ? "" : `/${ofMinutes}`}`,
      mIoU === null ? "" : percent(mIoU),
      remark === null ? "" : dim(shortened(remark)),
    ]),
  );
  output.line();
  const said = states.filter((state) => counts[state] > 0).map((state) => `${counts[state]} ${state}`);
  const costs = measured.of === 0 ? "" : `; ${measured.done} of ${counted(measured.of, "system")} measured`;
  output.line(`${bold(counted(runs.length, "run"))}: ${said.join(", ")}${costs}`);
}

const shortened = (text: string): string => (text.length <= 100 ? text : `${text.slice(0, 99)}…`);

export function printCost(cost: Cost, output: Output): void {
  const { parameters, trainedParameters, multiplyAdds, latency, memory, energy, passes } = cost;
  output.table(
    [{ title: "" }, { title: "", align: "right" }],
    [
      ["parameters", `${(parameters / 1e6).toFixed(2)} M`],
      ["of them trained", `${(trainedParameters / 1e6).toFixed(2)} M`],
      ["multiply-adds", `${(multiplyAdds / 1e9).toFixed(2)} G`],
      ["a picture", `${latency.toPrecision(3)} s`],
      ["memory", memory === null ? "not known" : `${(memory / 1e9).toFixed(2)} GB`],
      ["energy", energy === null ? "not known" : `${energy.toPrecision(3)} J`],
    ],
  );
  output.line(output.colours.dim(`the least of ${passes} passes`));
}
