import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import type { Dataset } from "../../data/dataset.js";
import { isFolder, listFiles } from "../../data/files.js";
import { readLabelIds } from "../../data/label-png.js";
import { headerSize, sameSize, sizeText } from "../../data/picture.js";
import { type SubmissionForm, submissionIds, submissionName } from "./form.js";

/** What a folder lacks of being what a benchmark's server takes; one line a fault. */
export interface SubmissionCheck {
  /** Pictures of the split. */
  readonly pictures: number;
  readonly faults: readonly string[];
}

/**
 * Whether a folder holds an id picture for each picture of a split and nothing else: of its name, its size, eight-bit, and of ids that
 * are classes.
 * @param folder what is sent
 */
export async function inspectSubmission(
  folder: string,
  form: SubmissionForm,
  dataset: Dataset,
): Promise<SubmissionCheck> {
  const { numbers } = submissionIds(form, dataset.classes);
  const allowed = new Set(numbers.subarray(0, dataset.classes.names.length));
  const there = new Set((await isFolder(folder)) ? await listFiles(folder) : []);
  const faults: string[] = [];
  for (const { imagePath } of dataset.samples) {
    const name = submissionName(imagePath);
    if (there.delete(name)) faults.push(...(await faultsOf(path.join(folder, name), imagePath, allowed)));
    else faults.push(`${name} is missing`);
  }
  for (const name of there) faults.push(`${name} belongs to no picture of split "${dataset.split}"`);
  return { pictures: dataset.samples.length, faults };
}

/** @throws Problem that names the first few faults of `inspectSubmission` */
export async function checkSubmission(folder: string, form: SubmissionForm, dataset: Dataset): Promise<void> {
  const { pictures, faults } = await inspectSubmission(folder, form, dataset);
  if (faults.length === 0) return;
  const more = faults.length > 3 ? `; and ${faults.length - 3} more` : "";
  throw new Problem({
    what: `submission "${folder}"`,
    found: faults.slice(0, 3).join("; ") + more,
    expected: `an id picture for each of the ${pictures} pictures of ${dataset.name}, split "${dataset.split}", and nothing else`,
    todo: "Predict into an empty folder, or remove what does not belong there.",
  });
}

async function faultsOf(file: string, imagePath: string, allowed: ReadonlySet<number>): Promise<string[]> {
  const name = path.basename(file);
  let ids: Awaited<ReturnType<typeof readLabelIds>>;
  try {
    ids = await readLabelIds(file);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return [error.message];
  }
  const size = await headerSize(imagePath);
  if (!size) return [`"${imagePath}" cannot be read`];
  if (!sameSize(ids.size, size)) return [`${name} is ${sizeText(ids.size)}, its picture ${sizeText(size)}`];
  if (ids.data instanceof Uint16Array) return [`${name} has 16 bits a pixel`];
  const present = new Uint8Array(256);
  for (const id of ids.data) present[id] = 1;
  const strangers = [...present.keys()].filter((id) => present[id] === 1 && !allowed.has(id));
  return strangers.length === 0 ? [] : [`${name} holds ${strangers.slice(0, 5).join(", ")}, which stand for no class`];
}
