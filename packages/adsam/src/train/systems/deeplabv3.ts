import { DeepLabV3 } from "../../models/deeplab/deeplabv3.js";
import { loadDeepLabStart } from "../../models/weights.js";
import type { System } from "./system.js";

export const deepLabV3System: System = {
  groups: ({ lr, resnetLrFactor }) => [
    { name: "heads", lr },
    { name: "resnet", lr: lr * resnetLrFactor },
  ],
  groupOf: (parameter) => (parameter.startsWith("backbone.") ? "resnet" : "heads"),
  build({ model: { resnet, frozenBatchNorm } }, { numClasses }) {
    if (resnet === "none") throw new Error("DeepLabV3 without a ResNet: the recipe's checks let it pass");
    return new DeepLabV3({ numClasses, resnet, frozenBatchNorm });
  },
  loadWeights(network, { model: { resnetWeights } }) {
    if (!(network instanceof DeepLabV3)) throw new Error("another system's network");
    if (resnetWeights) loadDeepLabStart(network, resnetWeights);
  },
};
