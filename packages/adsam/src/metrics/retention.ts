/** How much of its score a network keeps on roads it has not been trained on (AD-SAM, §4: 0.87 from Cityscapes to BDD100K, SAM 0.76). */
import { Problem } from "@adsam/torch/problem";
import { type BootstrapOptions, bootstrap, type Interval } from "./bootstrap.js";
import { CountedPictures, labelledClasses, meanOver, type PictureCounts } from "./picture-counts.js";

export const retentionRule =
  "retention = mIoU on the unseen domain / mIoU on the training domain, the same classes and the same weights";

/**
 * @param unseen, trained mIoU, 0…1 each (`ConfusionMatrix.meanIoU`).
 * @returns the quotient; above 1 where the unseen domain is the easier one; `null` where either score is missing or the trained one is 0.
 * @throws Problem for scores outside 0…1, such as per cent.
 */
export function retention(unseen: number | null, trained: number | null): number | null {
  for (const [name, value] of Object.entries({ unseen, trained }))
    if (value !== null && !(value >= 0 && value <= 1))
      throw new Problem({ what: `retention, mIoU of the ${name} domain`, found: `${value}`, expected: "0 to 1" });
  return unseen === null || trained === null || trained === 0 ? null : unseen / trained;
}

export interface Retention {
  /** {@link retention} of the two scores below. */
  readonly value: number | null;
  /**
   * By bootstrap over the pictures of both domains, each sample over the classes that occur in both of its halves; what other seeds would have
   * given is not in it.
   */
  readonly interval: Interval | null;
  /** mIoU on each domain over `classes`. */
  readonly unseen: number | null;
  readonly trained: number | null;
  /** The classes of both scores: scored and labelled in either domain. */
  readonly classes: readonly number[];
}

/**
 * Retention with its interval.
 * @param unseen, trained pictures of both domains, counted in the same classes
 * @param scored classes to average over at most; those that are not labelled in one of the domains are left out too, so that both
 * scores are means over the same classes
 */
export function retentionBetween(
  { unseen, trained }: { readonly unseen: readonly PictureCounts[]; readonly trained: readonly PictureCounts[] },
  scored: readonly number[],
  options: BootstrapOptions = {},
): Retention {
  const labelled = [unseen, trained].map(labelledClasses) as [number[], number[]];
  const classes = scored.filter((k) => labelled.every((present) => present.includes(k)));
  const there = new CountedPictures(unseen, classes);
  const home = new CountedPictures(trained, classes);
  const interval = bootstrap(
    [there.size, home.size],
    ([drawn, drawnAtHome]) => retentionOfSample(there.classIoU(drawn), home.classIoU(drawnAtHome)),
    options,
  );
  const scores = { unseen: there.meanIoU(), trained: home.meanIoU() };
  return { value: retention(scores.unseen, scores.trained), interval, ...scores, classes };
}

/** A rare class may be in no picture drawn of one domain; it then counts in neither mean, so that both are still of the same classes. */
function retentionOfSample(unseen: Float64Array, trained: Float64Array): number | null {
  const isInBoth = (_: number, k: number) => !Number.isNaN(unseen[k]! + trained[k]!);
  return retention(meanOver(unseen.filter(isInBoth)), meanOver(trained.filter(isInBoth)));
}
