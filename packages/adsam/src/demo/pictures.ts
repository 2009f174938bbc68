import type { ClassTable } from "../data/labels.js";
import type { LabelMap, Picture } from "../data/picture.js";
import { resizeBilinear } from "../data/transforms/resize.js";
import { encodePalette, encodePicture, overlay } from "../data/write-png.js";
import { ConfusionMatrix } from "../metrics/confusion.js";
import { errorMap } from "../report/error-map.js";
import type { PictureReport } from "../report/run-report.js";

/** One picture of a report: the picture, what it shows, what the network saw, and where they differ. */
export async function pictureReport(
  id: string,
  picture: Picture,
  prediction: LabelMap,
  label: LabelMap,
  classes: ClassTable,
): Promise<PictureReport> {
  const sized = resizeBilinear(picture, prediction.size);
  const matrix = new ConfusionMatrix(classes.names.length, classes.ignoreIndex);
  matrix.update(prediction.data, label.data);
  return {
    id,
    image: await encodePicture(sized, "jpeg"),
    label: encodePalette(label, classes),
    prediction: await encodePicture(overlay(sized, prediction, classes, 0.65), "jpeg"),
    errorMap: await errorMap(prediction, label, classes.ignoreIndex),
    mIoU: matrix.meanIoU(),
  };
}
