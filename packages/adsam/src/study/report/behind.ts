/** Why a system is behind another: the class that costs it most, and what it takes for what there. */
import { bySeed, type Cell, confusionOn, scoresIn } from "../cells.js";
import { classesIn, classIoU } from "../rows.js";
import { meanOf } from "../statistics/student.js";
import { pointsText } from "../statistics/wording.js";
import { shareText } from "./table.js";

/**
 * `Most is lost in sky (IoU 55.1 % against 70.3 %; −0.1 points without it): it calls 33.0 % of it far objects, the other 12.0 %.`
 * @returns nothing where no class has an IoU by both, or none is lower
 */
export function whyBehind(own: Cell, other: Cell, test: string): string | null {
  const classes = classLeads(own, other, test).sort((a, b) => a.lead - b.lead);
  const [worst, ...rest] = classes;
  if (!worst || worst.lead >= 0) return null;
  const without = rest.length === 0 ? "" : `; ${pointsText(meanOf(rest.map(({ lead }) => lead)))} points without it`;
  const mistake = mistakeIn(worst.name, own, other, test);
  return `Most is lost in ${worst.name} (IoU ${shareText(worst.own)} against ${shareText(worst.other)}${without})${mistake ? `: ${mistake}` : ""}.`;
}

function classLeads(own: Cell, other: Cell, test: string) {
  const [scores] = scoresIn(own, test);
  const names = scores ? classesIn(scores) : [];
  return names.flatMap((name) => {
    const [a, b] = [own, other].map((cell) => [...bySeed(cell, (run) => classIoU(run.scores, test, name)).values()]);
    if (a!.length === 0 || b!.length === 0) return [];
    return [{ name, own: meanOf(a!), other: meanOf(b!), lead: meanOf(a!) - meanOf(b!) }];
  });
}

/** The pair of classes, one of them `name`, that the first takes for each other oftener than the second does by most pixels. */
function mistakeIn(name: string, own: Cell, other: Cell, test: string): string | null {
  const [a, b] = [own, other].map((cell) => confusionOf(cell, test));
  const at = a?.names.indexOf(name) ?? -1;
  if (!a || !b || at < 0) return null;
  const pairs = a.names.flatMap((_, k) =>
    k === at
      ? []
      : [
          { label: at, taken: k },
          { label: k, taken: at },
        ],
  );
  const excess = ({ label, taken }: (typeof pairs)[number]) => a.counts(label, taken) - b.counts(label, taken);
  const [most] = pairs.toSorted((one, two) => excess(two) - excess(one));
  if (!most || excess(most) <= 0) return null;
  const { label, taken } = most;
  const of = ({ counts, labelled }: Confusion) => shareText(counts(label, taken) / labelled(label));
  const whole = label === at ? "it" : a.names[label];
  return `it calls ${of(a)} of ${whole} ${a.names[taken]}, the other ${of(b)}`;
}

interface Confusion {
  readonly names: readonly string[];
  /** Pixels of a label that were taken for a class, mean over the seeds. */
  counts(label: number, taken: number): number;
  labelled(label: number): number;
}

function confusionOf(cell: Cell, test: string): Confusion | null {
  const found = confusionOn(cell, test);
  if (!found) return null;
  const names = found.scores[0]!.perClass.map(({ name }) => name);
  const counts = (label: number, taken: number) => found.counts[label * names.length + taken]! / found.scores.length;
  const labelled = (label: number) => names.reduce((sum, _, taken) => sum + counts(label, taken), 0);
  return { names, counts, labelled };
}
