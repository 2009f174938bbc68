import { AdSam } from "../../models/ad-sam.js";
import { loadResNetWeights } from "../../models/weights.js";
import { samGroups } from "./sam-groups.js";
import type { System } from "./system.js";

export const adSamSystem: System = {
  ...samGroups,
  build({ model }, { numClasses, encoderUse }) {
    const { resnet, decoder, deformable, channelAttention, frozenBatchNorm, fusionDim } = model;
    const { attentionHeads, attentionPoints, norm, feedForwardFactor } = model;
    const [dim1, dim2, dim3] = model.decoderDims;
    return new AdSam({
      numClasses,
      ...encoderUse,
      resnet,
      decoder,
      deformable,
      channelAttention,
      frozenBatchNorm,
      fusionDim,
      decoderDims: [dim1!, dim2!, dim3!],
      attentionHeads,
      attentionPoints,
      norm,
      feedForwardFactor,
    });
  },
  loadWeights(network, { model }) {
    if (model.resnetWeights && network instanceof AdSam && network.resnetEncoder)
      loadResNetWeights(network.resnetEncoder, model.resnetWeights);
  },
};
