/** What every part of the report looks at: the results, sorted into cells and tasks once. */
import { type Cell, cellsOf } from "../cells.js";
import type { StudyResults, StudySystem } from "../results.js";
import { mainTasks, ranked, type Task, tasksOf, wholeTasks } from "../tasks.js";
import { looksOf, type SystemLook, subjectOf } from "./looks.js";

export interface StudyView {
  readonly results: StudyResults;
  readonly subject: StudySystem;
  readonly cells: readonly Cell[];
  readonly tasks: readonly Task[];
  /** On all pictures, or on the most that the study has. */
  readonly whole: readonly Task[];
  /** Of each data set, of its whole tasks, the largest budget in which systems can be compared. */
  readonly main: readonly Task[];
  readonly looks: ReadonlyMap<string, SystemLook>;
}

export function studyView(results: StudyResults): StudyView {
  const cells = cellsOf(results.runs);
  const tasks = tasksOf(cells);
  return {
    results,
    subject: subjectOf(results.systems),
    cells,
    tasks,
    whole: wholeTasks(tasks),
    main: mainTasks(tasks),
    looks: looksOf(results.systems),
  };
}

export const titleOf = ({ looks }: Pick<StudyView, "looks">, system: string): string =>
  looks.get(system)?.title ?? system;

/** The cells of a task without the ablations, or of the subject and its ablations alone. */
export function cellsFor({ results, subject }: StudyView, { cells }: Task, which: "systems" | "ablations"): Cell[] {
  const ablations = new Set(results.systems.filter(({ kind }) => kind === "ablation").map(({ id }) => id));
  return cells.filter(({ system }) =>
    which === "systems" ? !ablations.has(system) : ablations.has(system) || system === subject.id,
  );
}

export const subjectCell = ({ subject }: StudyView, cells: readonly Cell[]): Cell | undefined =>
  cells.find(({ system }) => system === subject.id);

/** The system that is not the subject with the highest mIoU on a data set: what the subject has to beat. */
export const bestOther = ({ subject }: StudyView, cells: readonly Cell[], test: string): Cell | undefined =>
  ranked(cells, test).find(({ cell }) => cell.system !== subject.id)?.cell;
