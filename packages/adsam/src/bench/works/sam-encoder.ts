import { nn, noGrad, type Tensor } from "@adsam/torch";
import { withPrecision } from "../../compute.js";
import { buildEncoder } from "../../models/encoders.js";
import { fillModule, formulaInput } from "../formula-tensors.js";
import { type Order, tinyEncoder } from "../order.js";
import { compute, floats } from "./ad-sam.js";
import type { Work } from "./work.js";

/** An image encoder of SAM's family, from normalised pictures to the embedding. */
export function samEncoderWork(order: Order): Work {
  const { encoder = "sam-vit-b", batch, height, width, device } = order;
  const network = fillModule(nn.init.skipInit(() => buildEncoder(encoder === "tiny" ? tinyEncoder : encoder)))
    .eval()
    .requiresGrad_(false)
    .to({ device });
  const image = formulaInput("image", { shape: [batch, 3, height, width], lo: -2, hi: 2 }).to({ device });
  let embedding: Tensor | undefined;
  return {
    run(turn) {
      embedding?.dispose();
      embedding = turn.phase("total", () => withPrecision(compute(order), () => noGrad(() => network.call(image))));
      return undefined;
    },
    output: () => ({ arrays: { embedding: floats(embedding!) }, numbers: {} }),
  };
}
