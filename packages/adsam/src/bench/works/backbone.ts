import { scope } from "@adsam/torch";
import { withPrecision } from "../../compute.js";
import { ResNet } from "../../models/resnet.js";
import { fillModule, formulaInput } from "../formula-tensors.js";
import type { Order } from "../order.js";
import { compute } from "./ad-sam.js";
import { gradientNorms } from "./gradient-norms.js";
import type { Work } from "./work.js";

/** ResNet-50 with frozen statistics, forward and backward: the scalar is the sum over its four maps of their mean square. */
export function backboneWork(order: Order): Work {
  const { batch, height, width, device } = order;
  const network = fillModule(new ResNet("resnet50")).train().to({ device });
  const image = formulaInput("image", { shape: [batch, 3, height, width], lo: -2, hi: 2 }).to({ device });
  return {
    run: (turn) =>
      turn.phase("total", () => {
        for (const parameter of network.parameters()) parameter.grad = undefined;
        return scope(() => {
          const maps = withPrecision(compute(order), () => network.call(image));
          const squares = Object.values(maps).map((map) => map.to({ dtype: "float32" }).square().mean());
          const loss = squares.reduce((sum, square) => sum.add(square));
          loss.backward();
          return { loss: loss.item() };
        });
      }),
    output: () => ({ arrays: {}, numbers: gradientNorms(network) }),
  };
}
