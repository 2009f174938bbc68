/** How much of its score a network keeps on roads it has not been trained on (AD-SAM, §4: 0.87 from Cityscapes to BDD100K, SAM 0.76). */
import { Problem } from "@adsam/torch/problem";

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
