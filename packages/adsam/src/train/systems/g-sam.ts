import { GSam } from "../../models/g-sam/g-sam.js";
import { loadSamIntoGSam } from "../../models/g-sam/sam-weights.js";
import { loadResNetWeights } from "../../models/weights.js";
import type { System } from "./system.js";

/** All of it learns at one rate, the stem too. */
export const gSamSystem: System = {
  groups: ({ lr }) => [{ name: "decoder", lr }],
  groupOf: () => "decoder",
  build({ model }, { numClasses, encoderUse: { encoder } }) {
    const { resnet, frozenBatchNorm, encoderTrained } = model;
    if (resnet === "none") throw new Error("G-SAM without a stem: the recipe's checks let it pass");
    return new GSam({ numClasses, encoder, resnet, frozenBatchNorm, encoderTrained });
  },
  /** SAM's weights as the authors take them over, and ImageNet's for the stem. */
  loadWeights(network, { model: { encoderWeights, resnetWeights } }) {
    if (!(network instanceof GSam)) throw new Error("another system's network");
    if (encoderWeights) loadSamIntoGSam(network, encoderWeights);
    const optional = (name: string) => name.startsWith("fc."); // nothing passes the classifier
    if (resnetWeights) loadResNetWeights(network.imageEncoder.cnnEmbed.backbone, resnetWeights, { optional });
  },
};
