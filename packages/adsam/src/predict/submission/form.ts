/** What the benchmark servers of Cityscapes and BDD100K take: which numbers, under which names, in which folder. */
import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { Dataset } from "../../data/dataset.js";
import { stem } from "../../data/files.js";
import type { ClassTable } from "../../data/labels.js";
import { openDataset } from "../../data/open.js";
import type { PredictionInput } from "../inputs.js";
import { cityscapesIds, type IdForm, requireCityscapesClasses, trainIds } from "../label-ids.js";

export const submissionForms = ["cityscapes", "bdd100k"] as const;
export type SubmissionForm = (typeof submissionForms)[number];

/**
 * The numbers that a server's id pictures hold: Cityscapes' label ids (7 road, …), BDD100K's train ids (0 road, …).
 * @throws Problem where the network's classes are not the 19 that both share
 */
export function submissionIds(form: SubmissionForm, classes: ClassTable): IdForm {
  const what = `--format ${form}`;
  if (form === "cityscapes") return cityscapesIds(classes, what);
  requireCityscapesClasses(classes, what);
  return trainIds(classes);
}

/** The folder, within that of the results, that holds id pictures and nothing else: what is packed and sent. */
export const submissionFolder = (form: SubmissionForm): string => form;

/**
 * The split whose pictures are to be predicted.
 * @param roots the data set's folder, and nothing else
 * @throws Problem for several words, for another layout, and for two pictures of one name
 */
export async function openSubmission(form: SubmissionForm, roots: readonly string[], split: string): Promise<Dataset> {
  const [root] = roots;
  if (root === undefined || roots.length > 1)
    throw new Problem({
      what: `--format ${form}`,
      found: `${roots.length} inputs`,
      expected: "one, the data set's folder: all pictures of a split are predicted",
    });
  const dataset = await openDataset({ kind: form, root, split });
  if (dataset.samples.length === 0)
    throw new Problem({ what: `${dataset.name}, split "${split}"`, found: "no pictures", expected: "some" });
  const seen = new Map<string, string>();
  for (const { imagePath } of dataset.samples) {
    const name = submissionName(imagePath);
    const other = seen.get(name);
    if (other !== undefined)
      throw new Problem({
        what: `${dataset.name}, split "${split}"`,
        found: `"${other}" and "${imagePath}"`,
        expected: "pictures that differ in name: a submission is one folder",
      });
    seen.set(name, imagePath);
  }
  return dataset;
}

/** A picture's own name, as PNG: Cityscapes' server looks for `<city>_<sequence>_<frame>*.png`, BDD100K's for the picture's name. */
export const submissionName = (imagePath: string): string => `${stem(path.basename(imagePath))}.png`;

export const submissionInputs = ({ samples }: Dataset): PredictionInput[] =>
  samples.map(({ imagePath }) => ({
    file: path.resolve(imagePath),
    kind: "picture",
    name: stem(path.basename(imagePath)),
  }));
