import { Problem, scope, type Tensor } from "@adsam/torch";

export interface LabelRules {
  /** Classes are 0 … numClasses − 1. */
  readonly numClasses: number;
  /** The one other id allowed: no label, counts nowhere. */
  readonly ignoreIndex?: number;
  /** What an error calls the labels. */
  readonly what?: string;
}

/** The ids of a label map that are neither a class nor ignored, with the number of their pixels, in ascending order. */
export function strangeIds(labels: Tensor, { numClasses, ignoreIndex = 255 }: LabelRules): Map<number, number> {
  const counts = new Map<number, number>();
  for (const id of labels.toNumbers())
    if ((id < 0 || id >= numClasses) && id !== ignoreIndex) counts.set(id, (counts.get(id) ?? 0) + 1);
  return new Map([...counts].sort(([a], [b]) => a - b));
}

/**
 * Checks that every label is a class or ignored. One pass over the pixels; on CUDA it also waits for the device, so training calls it
 * for the first batches, not for each.
 * @param labels uint8 or int64, any shape
 * @throws Problem that lists the ids found and how many pixels carry them
 */
export function checkLabels(labels: Tensor, rules: LabelRules): void {
  const { numClasses, ignoreIndex = 255, what = "labels" } = rules;
  if (labels.numel === 0) return;
  const inRange = scope(() => {
    // In int64: compared with a uint8 tensor, an ignoreIndex of -100 would wrap to 156.
    const wide = labels.to({ dtype: "int64" });
    const counted = wide.maskedFill(wide.eq(ignoreIndex), 0);
    return counted.min().item() >= 0 && counted.max().item() < numClasses;
  });
  if (inRange) return;
  const strange = [...strangeIds(labels, rules)];
  const listed = strange.slice(0, 8).map(([id, count]) => `${id} (${count} pixel${count === 1 ? "" : "s"})`);
  throw new Problem({
    what,
    found: `${strange.length === 1 ? "the id" : "the ids"} ${listed.join(", ")}${strange.length > 8 ? ", …" : ""}`,
    expected: `classes 0 to ${numClasses - 1}, or ${ignoreIndex} for ignored pixels`,
    todo: "Convert raw ids to train ids, or check the number of classes and the ignored id.",
  });
}
