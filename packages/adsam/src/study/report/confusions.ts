/** What each system takes for what: the counts of all seeds in one matrix. */
import type { Rgb } from "../../data/labels.js";
import { confusionDetails } from "../../report/confusion.js";
import type { Html } from "../../report/html.js";
import { budgetText } from "../budget.js";
import { type Cell, homeScores } from "../cells.js";
import { ranked } from "../tasks.js";
import { cellsFor, type StudyView, titleOf } from "./study-view.js";

/** Of each data set's largest budget, folded away, the best system first. */
export function confusionMatrices(view: StudyView): Html[] {
  return view.main.flatMap((task) =>
    ranked(cellsFor(view, task, "systems"), task.train).flatMap(({ cell }) => {
      const drawn = ofCell(view, cell, budgetText(task.budget));
      return drawn ? [drawn] : [];
    }),
  );
}

function ofCell(view: StudyView, cell: Cell, budget: string): Html | null {
  const scores = cell.runs.map(homeScores).filter((found) => found?.confusion !== undefined);
  const [first] = scores;
  if (!first) return null;
  const confusion = first.confusion!.counts.map((_, at) =>
    scores.reduce((sum, one) => sum + one!.confusion!.counts[at]!, 0),
  );
  const seeds = scores.length === 1 ? "1 seed" : `${scores.length} seeds`;
  return confusionDetails({
    dataset: `${titleOf(view, cell.system)} on ${cell.train}`,
    split: `${budget}, ${seeds}`,
    pictures: first.pictures,
    mIoU: first.mIoU,
    pixelAccuracy: first.pixelAccuracy,
    perClass: first.perClass.map(({ name, iou }) => ({ name, colour: grey, iou, share: 0 })),
    confusion,
  });
}

/** Not shown: the matrix names its classes. */
const grey: Rgb = [128, 128, 128];
