/** What each system takes for what: the counts of all seeds in one matrix. */
import type { Rgb } from "../../data/labels.js";
import { confusionDetails } from "../../report/confusion.js";
import type { Html } from "../../report/html.js";
import { budgetText } from "../budget.js";
import { type Cell, confusionOn } from "../cells.js";
import { seedsText } from "../statistics/wording.js";
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
  const found = confusionOn(cell, cell.train);
  if (!found) return null;
  const { counts: confusion, scores } = found;
  const first = scores[0]!;
  return confusionDetails({
    dataset: `${titleOf(view, cell.system)} on ${cell.train}`,
    split: `${budget}, ${seedsText(scores.length)}`,
    pictures: first.pictures,
    mIoU: first.mIoU,
    pixelAccuracy: first.pixelAccuracy,
    perClass: first.perClass.map(({ name, iou }) => ({ name, colour: grey, iou, share: 0 })),
    confusion,
  });
}

/** Not shown: the matrix names its classes. */
const grey: Rgb = [128, 128, 128];
