import { Problem } from "@adsam/torch";

/** Where training was when numbers went wrong. */
export interface Place {
  /** Both count from 1. */
  readonly epoch: number;
  readonly batch: number;
  /** The pictures that were learned from. */
  readonly ids: readonly string[];
  /** The checkpoint from before, where there is one. */
  readonly saved: string | undefined;
}

/** The error for a loss, a gradient or a weight that is infinite or not a number. */
export function notFinite(
  of: "loss" | "gradient" | "weights",
  found: string,
  { epoch, batch, ids, saved }: Place,
): Problem {
  const pictures = ids.length > 6 ? `${ids.slice(0, 6).join(", ")} and ${ids.length - 6} more` : ids.join(", ");
  const again = saved
    ? `and --resume: "${saved}" is from before, whole and finite`
    : "and begin again: no checkpoint had been saved yet";
  return new Problem({
    what: `the ${of} ${of === "weights" ? "after" : "of"} epoch ${epoch}, batch ${batch} (pictures ${pictures})`,
    found,
    expected: of === "weights" ? "finite numbers" : "a finite number",
    todo: `Lower optim.lr, set optim.clipNorm (1 is usual) or optim.warmupSteps, ${again}.`,
  });
}
