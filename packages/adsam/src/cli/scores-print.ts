import type { KeptScores } from "../evaluate/kept.js";
import type { Scores } from "../evaluate/scores.js";
import type { Output } from "./output.js";

/** An evaluation for people: a class a line, then the scores of the whole and the rule they follow. */
export function printScores(scores: Scores, output: Output): void {
  const { bold, dim } = output.colours;
  const resolution = scores.resolution === "label" ? "the labels' own resolution" : "the network's resolution";
  output.line(`${bold(`${scores.dataset}, ${scores.split}`)}  ${dim(`${scores.pictures} pictures, at ${resolution}`)}`);
  output.line();
  const numbers = (titles: readonly string[]) => titles.map((title) => ({ title, align: "right" as const }));
  const leftOut = new Map(scores.labelMap?.leftOut.map(({ name, because }) => [name, because]));
  const outlines = scores.boundary !== undefined;
  output.table(
    [
      { title: "class" },
      ...numbers(["IoU", "accuracy", "share", ...(outlines ? ["boundary F1", "boundary IoU"] : [])]),
    ],
    scores.perClass.map(({ name, iou, accuracy, pixels, boundaryF1 = null, boundaryIoU = null }) => {
      const values = [
        iou,
        accuracy,
        pixels / Math.max(1, scores.pixels),
        ...(outlines ? [boundaryF1, boundaryIoU] : []),
      ];
      const row = [name, ...values.map(percent)];
      return iou === null || leftOut.has(name) ? row.map(dim) : row;
    }),
  );
  output.line();
  output.line(`${bold("mIoU")}            ${bold(percent(scores.mIoU))}`);
  output.line(`pixel accuracy  ${percent(scores.pixelAccuracy)}`);
  output.line(`mean accuracy   ${percent(scores.meanAccuracy)}`);
  output.line(`freq. wtd. IoU  ${percent(scores.frequencyWeightedIoU)}`);
  if (scores.boundary) {
    output.line(`boundary F1     ${percent(scores.boundary.f1)}`);
    output.line(`boundary IoU    ${percent(scores.boundary.iou)}`);
  }
  output.line();
  if (scores.labelMap?.map)
    output.line(`${dim("label map")}  ${scores.labelMap.map}, applied to the ${scores.labelMap.appliedTo}`);
  for (const because of new Set(leftOut.values())) {
    const names = [...leftOut].filter(([, why]) => why === because).map(([name]) => name);
    output.line(`${because}, and in no mean: ${names.join(", ")}`);
  }
  for (const rule of [scores.rule, ...(scores.boundary?.rules ?? [])]) output.line(dim(`${rule}.`));
}

/** What is kept of the score at home. */
export function printRetention(kept: KeptScores, output: Output): void {
  const { bold, dim } = output.colours;
  const { interval } = kept;
  const between = interval && `  ${share(interval.low)} to ${share(interval.high)} (${100 * interval.level} %)`;
  output.line();
  output.line(`${bold("retention")}       ${bold(kept.value === null ? "absent" : share(kept.value))}${between ?? ""}`);
  output.line(`mIoU here       ${percent(kept.unseen)}`);
  output.line(
    `mIoU at home    ${percent(kept.trained)}  ${dim(`${kept.from}, ${kept.split}, ${kept.pictures} pictures`)}`,
  );
  output.line(dim(`over ${kept.classes.join(", ")}`));
  output.line();
  output.line(dim(`${kept.rule}.`));
}

const share = (value: number): string => value.toFixed(3);

/** A share in percent; `absent` where there was nothing to score. */
export function percent(share: number | null): string {
  return share === null ? "absent" : `${(100 * share).toFixed(1)} %`;
}
