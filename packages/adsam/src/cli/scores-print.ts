import type { Scores } from "../evaluate/scores.js";
import type { Output } from "./output.js";

/** An evaluation for people: a class a line, then the scores of the whole and the rule they follow. */
export function printScores(scores: Scores, output: Output): void {
  const { bold, dim } = output.colours;
  const resolution = scores.resolution === "label" ? "the labels' own resolution" : "the network's resolution";
  output.line(`${bold(`${scores.dataset}, ${scores.split}`)}  ${dim(`${scores.pictures} pictures, at ${resolution}`)}`);
  output.line();
  output.table(
    [
      { title: "class" },
      { title: "IoU", align: "right" },
      { title: "accuracy", align: "right" },
      { title: "share", align: "right" },
    ],
    scores.perClass.map(({ name, iou, accuracy, pixels }) => {
      const row = [name, percent(iou), percent(accuracy), percent(pixels / Math.max(1, scores.pixels))];
      return iou === null ? row.map(dim) : row;
    }),
  );
  output.line();
  output.line(`${bold("mIoU")}            ${bold(percent(scores.mIoU))}`);
  output.line(`pixel accuracy  ${percent(scores.pixelAccuracy)}`);
  output.line(`mean accuracy   ${percent(scores.meanAccuracy)}`);
  output.line(`freq. wtd. IoU  ${percent(scores.frequencyWeightedIoU)}`);
  output.line();
  output.line(dim(`${scores.rule}.`));
}

/** A share in percent; `absent` where there was nothing to score. */
export function percent(share: number | null): string {
  return share === null ? "absent" : `${(100 * share).toFixed(1)} %`;
}
