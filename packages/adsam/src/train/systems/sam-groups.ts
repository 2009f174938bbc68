import { isAdapterName } from "../../models/adapters/adapt.js";
import type { System } from "./system.js";

/** Groups of networks around SAM's encoder: fusion with decoder (and adapters), ResNet, and the encoder. */
export const samGroups: Pick<System, "groups" | "groupOf"> = {
  groups: ({ lr, resnetLrFactor, encoderLrFactor }) => [
    { name: "decoder", lr },
    { name: "resnet", lr: lr * resnetLrFactor },
    { name: "encoder", lr: lr * encoderLrFactor },
  ],
  groupOf(parameter) {
    if (parameter.startsWith("resnet_encoder.")) return "resnet";
    const inEncoder = parameter.startsWith("sam_encoder.") && !isAdapterName(parameter); // adapters begin at nothing, as the decoder does
    return inEncoder ? "encoder" : "decoder";
  },
};
