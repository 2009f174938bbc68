import { isAdapterName } from "../../models/adapters/adapt.js";
import type { System } from "./system.js";

/** What says where deformable convolutions and deformable attention look. */
export const isOffset = (parameter: string) => /\.(offset_conv|sampling_offsets)\.(weight|bias)$/.test(parameter);

/** Groups of networks around SAM's encoder: fusion with decoder (and adapters), ResNet, the encoder, and offsets with a rate of their own. */
export const samGroups: Pick<System, "groups" | "groupOf"> = {
  groups: ({ lr, resnetLrFactor, encoderLrFactor, offsetLrFactor }) => [
    { name: "decoder", lr },
    { name: "resnet", lr: lr * resnetLrFactor },
    { name: "encoder", lr: lr * encoderLrFactor },
    ...(offsetLrFactor === 1 ? [] : [{ name: "offsets", lr: lr * offsetLrFactor }]),
  ],
  groupOf(parameter, { offsetLrFactor }) {
    if (offsetLrFactor !== 1 && isOffset(parameter)) return "offsets";
    if (parameter.startsWith("resnet_encoder.")) return "resnet";
    const inEncoder = parameter.startsWith("sam_encoder.") && !isAdapterName(parameter); // adapters begin at nothing, as the decoder does
    return inEncoder ? "encoder" : "decoder";
  },
};
