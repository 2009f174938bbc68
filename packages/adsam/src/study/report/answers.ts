/** What was asked, and the answer: a sentence and a verdict each, so that the first screen says what the study found. */
import { budgetText } from "../budget.js";
import { measuredMIoU } from "../cells.js";
import type { Verdict } from "../statistics/difference.js";
import { verdictOf } from "../statistics/difference.js";
import { meanOf, studentInterval } from "../statistics/student.js";
import { differenceFigures } from "../statistics/wording.js";
import { lead, retentionOf } from "../tasks.js";
import { laddersOf } from "./data-efficiency.js";
import { sooner } from "./learning.js";
import { bestOther, cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { numberText } from "./table.js";
import { transfersOf } from "./transfer.js";

export interface Answer {
  readonly question: string;
  readonly answers: readonly Finding[];
}

export interface Finding {
  /** Data and budget. */
  readonly where: string;
  readonly text: string;
  /** `null` where nothing was compared, or sizes differ. */
  readonly verdict: Verdict | null;
}

export function answersOf(view: StudyView): Answer[] {
  const all: Answer[] = [
    { question: "Is it more accurate?", answers: accuracy(view) },
    { question: "Does it keep its score on other roads?", answers: transfer(view) },
    { question: "Does it learn faster?", answers: speed(view) },
    { question: "Does it need fewer pictures?", answers: pictures(view) },
  ];
  const none = [{ where: "", text: "This study has not measured it.", verdict: null }];
  return all.map(({ question, answers }) => ({ question, answers: answers.length === 0 ? none : answers }));
}

const share = (value: number) => numberText({ value, unit: "share" });

function accuracy(view: StudyView): Finding[] {
  return view.whole.flatMap((task): Finding[] => {
    const cells = cellsFor(view, task, "systems");
    const [own, other] = [subjectCell(view, cells), bestOther(view, cells, task.train)];
    const mIoU = own && measuredMIoU(own, task.train);
    if (!own || !mIoU) return [];
    const where = `${task.train}, ${budgetText(task.budget)}`;
    const said = `${share(mIoU.value)} mIoU`;
    const difference = other && lead(own, other, task.train);
    if (!other || !difference) return [{ where, text: `${said}; nothing stands beside it.`, verdict: null }];
    const text = `${said}; the best other, ${titleOf(view, other.system)}, ${share(measuredMIoU(other, task.train)!.value)}: ${differenceFigures(difference)}.`;
    return [{ where, text, verdict: difference.verdict }];
  });
}

function transfer(view: StudyView): Finding[] {
  return transfersOf(view).flatMap(({ task, test, cells }): Finding[] => {
    const [own, other] = [subjectCell(view, cells), bestOther(view, cells, test)];
    const mIoU = own && measuredMIoU(own, test);
    if (!own || !mIoU) return [];
    const kept = (cell: typeof own) => {
      const value = retentionOf(cell, test)?.value;
      return value === undefined ? "" : `, retention ${value.toFixed(2)}`;
    };
    const where = `${task.train} → ${test}`;
    const said = `${share(mIoU.value)} mIoU${kept(own)}`;
    const difference = other && lead(own, other, test);
    if (!other || !difference) return [{ where, text: `${said}; nothing stands beside it.`, verdict: null }];
    const text = `${said}; the best other there, ${titleOf(view, other.system)}, ${share(measuredMIoU(other, test)!.value)}${kept(other)}: ${differenceFigures(difference)}.`;
    return [{ where, text, verdict: difference.verdict }];
  });
}

/** Against the best of the others: how much sooner the subject is at 90 % of that one's final mIoU. */
function speed(view: StudyView): Finding[] {
  return view.main.flatMap((task): Finding[] => {
    const cells = cellsFor(view, task, "systems");
    const [own, other] = [subjectCell(view, cells), bestOther(view, cells, task.train)];
    if (!own || !other) return [];
    const ratios = [...sooner(own, other).values()];
    if (ratios.length === 0) return [];
    const where = `${task.train}, ${budgetText(task.budget)}`;
    const aim = `90 % of the final mIoU of ${titleOf(view, other.system)}`;
    const reached = ratios.filter((ratio) => ratio !== null);
    if (reached.length < ratios.length)
      return [
        {
          where,
          text: `${ratios.length - reached.length} of ${ratios.length} seeds never reach ${aim}.`,
          verdict: "worse",
        },
      ];
    // Ratios are compared on a logarithm: twice as fast and half as fast lie equally far from 1.
    const logs = reached.map(Math.log);
    const interval = studentInterval(logs);
    const verdict = reached.length < 3 ? "untold" : verdictOf(interval);
    const range =
      interval === null ? "" : ` (${Math.exp(interval.low).toFixed(2)} to ${Math.exp(interval.high).toFixed(2)})`;
    const times = Math.exp(meanOf(logs)).toFixed(2);
    return [{ where, text: `${times} times as soon${range} at ${aim}, in minutes.`, verdict }];
  });
}

function pictures(view: StudyView): Finding[] {
  return laddersOf(view).flatMap(({ train, time, steps }): Finding[] => {
    const leads = steps.flatMap(({ pictures, cells }) => {
      const [own, other] = [subjectCell(view, cells), bestOther(view, cells, train)];
      const difference = own && other && lead(own, other, train);
      return difference ? [{ pictures: pictures === null ? "all" : String(pictures), difference }] : [];
    });
    if (leads.length === 0) return [];
    const count = (verdict: Verdict) => leads.filter(({ difference }) => difference.verdict === verdict).length;
    const [first] = leads as [(typeof leads)[number]];
    const said = (["better", "worse", "inside the noise", "untold"] as const).flatMap((verdict) =>
      count(verdict) === 0 ? [] : [`${verdict === "untold" ? "too few seeds" : verdict} at ${count(verdict)}`],
    );
    const text = `Of ${leads.length} sizes ${said.join(", ")}; with ${first.pictures} pictures ${differenceFigures(first.difference)}.`;
    const all = new Set(leads.map(({ difference }) => difference.verdict));
    return [
      {
        where: `${train}, ${time}`,
        text,
        verdict: all.size === 1 ? first.difference.verdict : mixed(count("better"), count("worse")),
      },
    ];
  });
}

/** Of several sizes: better or worse where some are and none is the contrary. */
const mixed = (better: number, worse: number): Verdict | null =>
  better > 0 && worse === 0 ? "better" : worse > 0 && better === 0 ? "worse" : null;
