import { BoundaryScores } from "../metrics/boundary/scores.js";
import type { ConfusionMatrix } from "../metrics/confusion.js";
import { type PictureCounts, pictureCounts } from "../metrics/picture-counts.js";
import { type EvaluationOptions, evaluate } from "./evaluate.js";

export interface Detail {
  readonly matrix: ConfusionMatrix;
  /** In the order of the data set. */
  readonly pictures: readonly PictureCounts[];
  /** Where asked for. */
  readonly boundary?: BoundaryScores;
}

/**
 * {@link evaluate}, with the counts of each picture and, where asked for, the scores of outlines, at the resolution of the evaluation.
 * @param boundary tolerance of the boundary F1 in pixels, `null` for the usual share of the diagonal; left out: no outlines
 */
export async function evaluateInDetail(
  options: EvaluationOptions & { readonly boundary?: { readonly tolerance: number | null } | undefined },
): Promise<Detail> {
  const { onPrediction } = options;
  const pictures: PictureCounts[] = [];
  const { classes } = options.mapping ?? ("loader" in options ? options.loader : options).dataset;
  const { ignoreIndex } = classes;
  const boundary =
    options.boundary && new BoundaryScores({ numClasses: classes.names.length, ignoreIndex, ...options.boundary });
  const matrix = await evaluate({
    ...options,
    onPrediction: async (picture) => {
      pictures.push(pictureCounts(picture.id, picture.matrix));
      boundary?.update(picture.prediction, picture.label);
      await onPrediction?.(picture);
    },
  });
  return { matrix, pictures, ...(boundary && { boundary }) };
}
