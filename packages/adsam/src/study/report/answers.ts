/** What was asked, and the answer: a sentence and a verdict each, so that the first screen says what the study found. */
import type { Interval } from "../../metrics/bootstrap.js";
import { budgetText } from "../budget.js";
import { type Cell, measuredMIoU } from "../cells.js";
import type { Verdict } from "../statistics/difference.js";
import { fewestSeeds, verdictOf } from "../statistics/difference.js";
import { conditionsText, differenceFigures, seedsText } from "../statistics/wording.js";
import { lead, retentionOf } from "../tasks.js";
import { whyBehind } from "./behind.js";
import { laddersOf } from "./data-efficiency.js";
import { shortOf, soonerBound, soonerBySeed, soonerMean } from "./learning.js";
import { bestOther, cellsFor, type StudyView, subjectCell, titleOf } from "./study-view.js";
import { shareText } from "./table.js";
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
    { question: "Is it better on roads it was not trained on?", answers: transfer(view) },
    { question: "Does it learn faster?", answers: speed(view) },
    { question: "Does it need fewer pictures?", answers: pictures(view) },
  ];
  const none = [{ where: "", text: "This study has not measured it.", verdict: null }];
  return all.map(({ question, answers }) => ({ question, answers: answers.length === 0 ? none : answers }));
}

function accuracy(view: StudyView): Finding[] {
  return view.whole.flatMap((task): Finding[] => {
    const cells = cellsFor(view, task, "systems");
    const own = subjectCell(view, cells);
    return own ? scoreFinding(view, own, cells, task.train, `${task.train}, ${budgetText(task.budget)}`) : [];
  });
}

/** The subject's mIoU on a data set beside that of the best other, and, where it is lower, why. */
function scoreFinding(view: StudyView, own: Cell, cells: readonly Cell[], test: string, where: string): Finding[] {
  const mIoU = measuredMIoU(own, test);
  if (!mIoU) return [];
  const said = `${shareText(mIoU.value)} mIoU`;
  const other = bestOther(view, cells, test);
  const difference = other && lead(own, other, test);
  if (!other || !difference) return [{ where, text: `${said}; nothing stands beside it.`, verdict: null }];
  const best = `${titleOf(view, other.system)}, ${shareText(measuredMIoU(other, test)!.value)}`;
  const why = difference.value < 0 ? whyBehind(own, other, test) : null;
  const text = `${said}; the best other, ${best}: ${differenceFigures(difference)}.${why === null ? "" : ` ${why}`}`;
  return [{ where, text, verdict: difference.verdict }];
}

/** Two findings a direction: the score there, and the share of the score at home, in which a low score can win. */
function transfer(view: StudyView): Finding[] {
  return transfersOf(view).flatMap(({ task, test, cells }): Finding[] => {
    const own = subjectCell(view, cells);
    if (!own) return [];
    const where = `${task.train} → ${test}, ${budgetText(task.budget)}`;
    const keeps = retentionFinding(view, own, cells, test);
    return [
      ...scoreFinding(view, own, cells, test, where),
      ...(keeps ? [{ where: `${where}, retention`, ...keeps }] : []),
    ];
  });
}

function retentionFinding(
  view: StudyView,
  own: Cell,
  cells: readonly Cell[],
  test: string,
): Omit<Finding, "where"> | null {
  const kept = (cell: Cell) => retentionOf(cell, test)?.value ?? Number.NEGATIVE_INFINITY;
  const others = cells.filter((cell) => cell !== own && retentionOf(cell, test) !== null);
  if (retentionOf(own, test) === null) return null;
  const [other] = others.toSorted((a, b) => kept(b) - kept(a));
  const said = `Keeps ${kept(own).toFixed(2)} of its mIoU`;
  const difference = other && lead(own, other, test, "retention");
  if (!other || !difference) return { text: `${said}; nothing stands beside it.`, verdict: null };
  const { value, verdict } = difference;
  const signed = (number: number) => `${number < 0 ? "−" : "+"}${Math.abs(number).toFixed(2)}`;
  const conditions = conditionsText(difference, ({ low, high }) => `${signed(low)} to ${signed(high)}`);
  const text = `${said}; the highest other, ${titleOf(view, other.system)}, ${kept(other).toFixed(2)}: ${signed(value)} (${conditions}).`;
  return { text, verdict };
}

/** Against the best of the others: how much sooner the subject is at 90 % of that one's final mIoU. */
function speed(view: StudyView): Finding[] {
  return view.whole.flatMap((task): Finding[] => {
    const cells = cellsFor(view, task, "systems");
    const [own, other] = [subjectCell(view, cells), bestOther(view, cells, task.train)];
    if (!own || !other) return [];
    const ratios = soonerBySeed(own, other);
    if (ratios.size === 0) return [];
    const where = `${task.train}, ${budgetText(task.budget)}`;
    const aim = `90 % of the final mIoU of ${titleOf(view, other.system)}`;
    const mean = soonerMean(ratios);
    if (!mean) {
      const short = shortOf(ratios);
      const reach = short === 1 ? "reaches" : "reach";
      const verdict = ratios.size < fewestSeeds ? "untold" : short === ratios.size ? "worse" : null;
      return [{ where, text: `${short} of ${seedsText(ratios.size)} never ${reach} ${aim}.`, verdict }];
    }
    const bound = soonerBound(own, other);
    if (bound === "unknown")
      return [{ where, text: `Both are at ${aim} when first validated: which was first was not seen.`, verdict: null }];
    const { value, interval } = mean;
    const range = interval === null ? "" : `${interval.low.toFixed(2)} to ${interval.high.toFixed(2)}; `;
    const ratio = `${value.toFixed(2)} times as soon (${range}${seedsText(ratios.size)}) at ${aim}, in minutes`;
    const verdict = speedVerdict(ratios.size, interval);
    if (bound === null) return [{ where, text: `${ratio}.`, verdict }];
    const early = titleOf(view, (bound === "at least" ? own : other).system);
    const text = `${bound === "at least" ? "At least" : "At most"} ${ratio}: ${early} is there when first validated, and was so before.`;
    const isTold = verdict === "untold" || verdict === (bound === "at least" ? "better" : "worse");
    return [{ where, text, verdict: isTold ? verdict : null }];
  });
}

/** Equally fast is 1. */
function speedVerdict(seeds: number, interval: Interval | null): Verdict {
  if (seeds < fewestSeeds || interval === null) return "untold";
  return verdictOf({ ...interval, low: Math.log(interval.low), high: Math.log(interval.high) });
}

function pictures(view: StudyView): Finding[] {
  return laddersOf(view).flatMap(({ train, time, steps }): Finding[] => {
    const leads = steps.flatMap(({ pictures, isPart, cells }) => {
      const [own, other] = [subjectCell(view, cells), bestOther(view, cells, train)];
      const difference = isPart && own && other && lead(own, other, train);
      return difference ? [{ pictures, other: titleOf(view, other.system), difference }] : [];
    });
    if (leads.length === 0) return [];
    const count = (verdict: Verdict) => leads.filter(({ difference }) => difference.verdict === verdict).length;
    const [first] = leads as [(typeof leads)[number]];
    const said = (["better", "worse", "inside the noise", "untold"] as const).flatMap((verdict) =>
      count(verdict) === 0 ? [] : [`${verdict === "untold" ? "too few seeds" : verdict} at ${count(verdict)}`],
    );
    const text = `Of ${leads.length} smaller sizes ${said.join(", ")}; with ${first.pictures} pictures, beside ${first.other}, ${differenceFigures(first.difference)}.`;
    const all = new Set(leads.map(({ difference }) => difference.verdict));
    return [
      {
        where: `${train}, ${time}`,
        text,
        verdict: all.size === 1 ? first.difference.verdict : mixed(count("better"), count("worse"), leads.length),
      },
    ];
  });
}

/** Of several sizes: better or worse where most are and none is the contrary; one of many may be luck. */
const mixed = (better: number, worse: number, all: number): Verdict | null =>
  worse === 0 && 2 * better > all ? "better" : better === 0 && 2 * worse > all ? "worse" : null;
