import { deformConv2d } from "@adsam/kernels";
import { noGrad, scope, type Tensor } from "@adsam/torch";
import { formulaCotangent, formulaInput } from "../formula-tensors.js";
import type { Order } from "../order.js";
import { floats } from "./ad-sam.js";
import type { Work } from "./work.js";

/**
 * Modulated deformable 3×3 convolution, the operator alone, places up to two pixels away: the forward, and where it is asked for the
 * backward to all five tensors. Maps are channels-last, as AD-SAM's are.
 */
export function deformConvWork({ batch, height, width, channels, backward = false, device }: Order): Work {
  const [inChannels, outChannels] = channels!;
  const map = (name: string, count: number, lo: number, hi: number) =>
    scope(() =>
      formulaInput(name, { shape: [batch, count, height, width], lo, hi })
        .to({ device })
        .contiguous({ memoryFormat: "channels_last" }),
    ).requiresGrad_(backward);
  const bound = Math.sqrt(3 / (9 * inChannels));
  const tensors = {
    input: map("input", inChannels, -1, 1),
    weight: formulaInput("weight", { shape: [outChannels, inChannels, 3, 3], lo: -bound, hi: bound })
      .to({ device })
      .requiresGrad_(backward),
    offset: map("offset", 18, -2, 2),
    mask: map("mask", 9, 0, 1),
    bias: formulaInput("bias", { shape: [outChannels], lo: -1, hi: 1 })
      .to({ device })
      .requiresGrad_(backward),
  };
  const { input, weight, offset, ...rest } = tensors;
  const forward = () => deformConv2d(input, weight, offset, { ...rest, padding: 1 });
  const cotangent = scope(() =>
    formulaCotangent([batch, outChannels, height, width]).to({ device }).contiguous({ memoryFormat: "channels_last" }),
  );
  let result: Tensor | undefined;
  return {
    phases: { forward: "forward", backward: "backward" },
    run(turn) {
      result?.dispose();
      for (const tensor of Object.values(tensors)) tensor.grad = undefined;
      if (!backward) result = turn.phase("forward", () => noGrad(forward));
      else {
        result = turn.phase("forward", forward);
        turn.phase("backward", () => result!.backward(cotangent));
      }
      return undefined;
    },
    output() {
      const gradients = backward
        ? Object.entries(tensors).map(([name, { grad }]) => [`gradient of ${name}`, floats(grad!)])
        : [];
      return { arrays: { result: floats(result!.detach()), ...Object.fromEntries(gradients) }, numbers: {} };
    },
  };
}
