import { ConfusionMatrix } from "../../metrics/confusion.js";
import { labelValues } from "../formula.js";
import { ignoredLabel, type Order } from "../order.js";
import type { Work } from "./work.js";

const numClasses = 19;
/** Pictures a turn: one takes milliseconds. */
const pictures = 10;

/** The confusion matrix of a picture: its predictions against its labels, one in twenty ignored. */
export function metricWork({ height, width }: Order): Work {
  const drawn = (label: string, classes: number) =>
    labelValues({ label, block: 16, classes, ignore: ignoredLabel }, { batch: 1, height, width });
  const [prediction, label] = [drawn("prediction", numClasses), drawn("target", numClasses + 1)];
  let matrix = new ConfusionMatrix(numClasses, ignoredLabel);
  return {
    needs: [{ name: "confusion matrix", phase: "total", flops: 0, bytes: 2 * height * width }],
    async run(turn) {
      matrix = new ConfusionMatrix(numClasses, ignoredLabel);
      await turn.waiting("total", 1 / pictures, async () => {
        for (let i = 0; i < pictures; i++) matrix.update(prediction, label);
      });
      return undefined;
    },
    output: () => ({ arrays: { counts: Float32Array.from(matrix.counts) }, numbers: {} }),
  };
}
