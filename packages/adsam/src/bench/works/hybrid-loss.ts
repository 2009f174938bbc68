import { scope } from "@adsam/torch";
import { HybridLoss } from "../../losses/hybrid.js";
import { formulaInput, labelMap } from "../formula-tensors.js";
import { ignoredLabel, type Order } from "../order.js";
import { floats } from "./ad-sam.js";
import type { Work } from "./work.js";

const numClasses = 19;

/** The hybrid loss of 19 classes and its gradient to the logits; distance maps computed anew, as for a label never seen. */
export function hybridLossWork({ batch, height, width, device }: Order): Work {
  const shape = [batch, numClasses, height, width];
  const logits = formulaInput("logits", { shape, lo: -4, hi: 4 }).to({ device }).requiresGrad_();
  const spec = { label: "target", block: 16, classes: numClasses + 1, ignore: ignoredLabel };
  const labels = labelMap(spec, { batch, height, width }).to({ device });
  const hybrid = new HybridLoss({ ignoreIndex: ignoredLabel });
  const pixels = batch * height * width;
  const map = 4 * numClasses * pixels; // bytes
  return {
    // Read the logits and the labels, once for the loss and once for the gradient; write the gradient. About 30 operations an element:
    // an exponential, the logarithm's share, four terms and their derivatives; sorting is not counted.
    needs: [{ name: "hybrid loss", phase: "total", flops: 30 * numClasses * pixels, bytes: 3 * map + 2 * pixels }],
    run: (turn) =>
      turn.phase("total", () => {
        logits.grad = undefined;
        hybrid.dispose();
        return scope(() => {
          const { total } = hybrid.call(logits, labels);
          total.backward();
          return { loss: total.item() };
        });
      }),
    output: () => ({ arrays: { gradient: floats(logits.grad!) }, numbers: {} }),
  };
}
