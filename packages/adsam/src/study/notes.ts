/** What a reader of a study should know before comparing its runs. */
import { samePictures } from "./cells.js";
import type { StudyRun } from "./results.js";

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
  const scored = runs.flatMap((run) => run.scores.map((scores) => ({ id: run.id, scores })));
  const tests = new Set(scored.map(({ scores }) => scores.dataset));
  return [...tests].flatMap((test) => {
    const own = scored.filter(({ scores }) => scores.dataset === test);
    const other = own.find(({ scores }) => !samePictures(scores, own[0]!.scores));
    if (!other) return [];
    const few = own.filter(({ scores }) => !samePictures(scores, own[0]!.scores)).length;
    return [
      `Of ${own.length} runs scored on ${test}, ${few} were scored on other pictures than the first ("${own[0]!.id}": ${own[0]!.scores.pictures}, "${other.id}": ${other.scores.pictures}). They are not compared: score all on one copy of the data.`,
    ];
  });
}
