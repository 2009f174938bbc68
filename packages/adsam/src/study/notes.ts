/** What a reader of a study should know before comparing its runs. */
import { samePictures } from "./cells.js";
import type { StudyRun, StudyScores } from "./results.js";

/** The same minutes are not the same work on two machines. */
export function notesOnMinutes(runs: readonly StudyRun[]): string[] {
  const timed = runs.filter(({ machine, budget }) => machine !== undefined && budget.minutes !== undefined);
  const machines = [...new Set(timed.map(({ machine }) => machine!))];
  if (machines.length < 2) return [];
  const shares = machines.map((name) => `${timed.filter(({ machine }) => machine === name).length} on ${name}`);
  return [
    `Minutes are those of more than one machine, of ${timed.length} runs ${shares.join(", ")}: the table of all runs names them.`,
  ];
}

/** Two copies of a data set that are not the same one: scores on them are not compared. */
export function notesOnPictures(runs: readonly StudyRun[]): string[] {
  const scored = runs.flatMap(({ id, scores: all }) => all.map((scores): Scored => ({ id, scores })));
  const tests = new Set(scored.map(({ scores }) => scores.dataset));
  return [...tests].flatMap((test) => {
    const [first, ...rest] = scored.filter(({ scores }) => scores.dataset === test) as [Scored, ...Scored[]];
    const others = rest.filter(({ scores }) => !samePictures(scores, first.scores));
    const named = ({ id, scores }: Scored) => `"${id}": ${scores.pictures}`;
    return others.length === 0
      ? []
      : [
          `Of ${rest.length + 1} runs scored on ${test}, ${others.length} were scored on other pictures than the first (${named(first)}, ${named(others[0]!)}). They are not compared: score all on one copy of the data.`,
        ];
  });
}

interface Scored {
  /** Of the run. */
  readonly id: string;
  readonly scores: StudyScores;
}
