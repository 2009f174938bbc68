import path from "node:path";
import type { PictureSummary, SamSummary } from "../sam/summary.js";
import { counted } from "./data-print.js";
import type { Output } from "./output.js";

/** Rows of a table that people still read. */
const readable = 24;

/** A run of SAM for people: of few masks each one, of many their number a picture, and where the results are. */
export function printMasks(summary: SamSummary, out: string, output: Output): void {
  const { pictures, failed, seconds, complete, encoder, question } = summary;
  const count = pictures.reduce((sum, { masks }) => sum + masks.length, 0);
  if (count > 0 && count <= readable) printEach(pictures, output);
  else if (pictures.length > 0) printByPicture(pictures, output);
  if (pictures.length > 0) output.line();
  const rate = pictures.length > 1 ? `, ${(seconds / pictures.length).toFixed(2)} s a picture` : "";
  const done = `${counted(count, "mask")} in ${counted(pictures.length, "picture")}`;
  output.line(`${output.colours.bold(done)} by ${encoder}, ${seconds.toFixed(1)} s${rate}: ${out}`);
  const empty = pictures.flatMap(({ masks }) => masks).filter(({ area }) => area === 0).length;
  if (empty > 0) output.line(`${counted(empty, "mask")} without a pixel: the network finds nothing there`);
  if (question === "everything" && pictures.some(({ masks }) => masks.length === 0))
    output.line(
      "Where there are no masks, none passed the thresholds: --pred-iou-thresh and --stability-score-thresh lower them",
    );
  if (failed.length > 0) output.line(`${counted(failed.length, "picture")} without masks; sam.json lists them`);
  if (!complete) output.line("Stopped before the last picture; what is listed in sam.json is done.");
}

function printEach(pictures: readonly PictureSummary[], output: Output): void {
  const byPrompt = pictures.some(({ masks }) => masks.some(({ prompt }) => prompt !== undefined));
  const several = pictures.length > 1;
  output.table(
    [
      ...(several ? [{ title: "picture" }] : []),
      { title: "mask", align: "right" },
      ...(byPrompt ? [{ title: "prompt", align: "right" } as const] : []),
      { title: "share", align: "right" },
      { title: "predicted IoU", align: "right" },
      { title: "stability", align: "right" },
      { title: "box (x, y, width, height)" },
    ],
    pictures.flatMap(({ file, width, height, masks }) =>
      masks.map(({ id, prompt, area, bbox, predicted_iou, stability_score }) => [
        ...(several ? [path.basename(file)] : []),
        String(id),
        ...(byPrompt ? [String(prompt)] : []),
        percent(area / (width * height)),
        predicted_iou.toFixed(3),
        stability_score.toFixed(3),
        bbox.join(", "),
      ]),
    ),
  );
}

function printByPicture(pictures: readonly PictureSummary[], output: Output): void {
  const shown = pictures.length <= readable ? pictures : pictures.slice(0, readable - 1);
  output.table(
    [
      { title: "picture" },
      { title: "size", align: "right" },
      { title: "masks", align: "right" },
      { title: "covered", align: "right" },
    ],
    shown.map(({ file, width, height, masks, covered }) => [
      path.basename(file),
      `${width}×${height}`,
      String(masks.length),
      percent(covered),
    ]),
  );
  if (shown.length < pictures.length)
    output.line(`… and ${counted(pictures.length - shown.length, "picture")} more; sam.json lists them`);
}

function percent(share: number): string {
  return share > 0 && share < 0.0005 ? "< 0.1 %" : `${(100 * share).toFixed(1)} %`;
}
