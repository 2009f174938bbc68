/** One picture and its label looked through. */
import type { Dataset } from "./dataset.js";
import { readLabelIds } from "./label-png.js";
import { histogram } from "./load-sample.js";
import { readPicture, type Size, sameSize, sizeText } from "./picture.js";

/** Something wrong with one file, in the words of the error it causes. */
export interface FileProblem {
  readonly file: string;
  readonly message: string;
}

/** What one sample's files hold. */
export interface SampleInspection {
  readonly size: Size | null;
  /** [id, pixels]; empty where there is no readable label. */
  readonly ids: readonly (readonly [id: number, pixels: number])[];
  readonly problems: readonly FileProblem[];
}

/** Reads one sample's files whole; what is wrong with them is an answer, not an error. */
export async function inspectSample(dataset: Dataset, index: number): Promise<SampleInspection> {
  const { imagePath, labelPath } = dataset.samples[index]!;
  const problems: FileProblem[] = [];
  const attempt = async <T>(file: string, read: (file: string) => Promise<T>): Promise<T | null> =>
    read(file).catch((error: Error) => {
      problems.push({ file, message: error.message });
      return null;
    });
  const picture = await attempt(imagePath, readPicture);
  const label = labelPath === undefined ? null : await attempt(labelPath, readLabelIds);
  if (picture && label && !sameSize(picture.size, label.size)) {
    const message = `label "${labelPath}": found ${sizeText(label.size)}, expected ${sizeText(picture.size)} as its picture`;
    problems.push({ file: labelPath!, message });
  }
  return { size: picture?.size ?? null, ids: label ? [...histogram(label.data)] : [], problems };
}
