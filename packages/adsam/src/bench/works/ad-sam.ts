import { noGrad, optim, scope, type Tensor } from "@adsam/torch";
import { withPrecision } from "../../compute.js";
import { HybridLoss } from "../../losses/hybrid.js";
import { AdSam } from "../../models/ad-sam.js";
import { parameterGroups } from "../../train/optimiser.js";
import { paperRecipe } from "../../train/recipe.js";
import { fillModule, formulaInput, labelMap } from "../formula-tensors.js";
import { ignoredLabel, type Order } from "../order.js";
import { gradientNorms } from "./gradient-norms.js";
import type { Work } from "./work.js";

/** AD-SAM with the authors' decoder, SAM's embedding given: pictures to logits. */
export function forwardWork(order: Order): Work {
  const network = fillModule(adSam()).eval().to({ device: order.device });
  const input = inputs(order);
  let logits: Tensor | undefined;
  return {
    run(turn) {
      logits?.dispose();
      logits = turn.phase("total", () => withPrecision(compute(order), () => noGrad(() => network.call(input))));
      return undefined;
    },
    output: () => ({ arrays: { logits: floats(logits!) }, numbers: {} }),
  };
}

/** One step of training: forward, hybrid loss, backward, AdamW. */
export function stepWork(order: Order): Work {
  const { batch, height, width, device } = order;
  const network = fillModule(adSam()).train().to({ device });
  const input = inputs(order);
  const spec = { label: "target", block: 16, classes: 20, ignore: ignoredLabel };
  const labels = labelMap(spec, { batch, height, width }).to({ device });
  const hybrid = new HybridLoss({ ignoreIndex: ignoredLabel });
  const optimiser = new optim.AdamW(parameterGroups(network, paperRecipe()), { weightDecay: 5e-4 });
  return {
    run: (turn) =>
      turn.phase("total", () => {
        optimiser.zeroGrad();
        hybrid.dispose(); // the distance maps, else kept from step to step: the peer computes them each time
        const loss = scope(() => {
          const { total } = withPrecision(compute(order), () => hybrid.call(network.call(input), labels));
          total.backward();
          return total.item();
        });
        optimiser.step();
        return { loss };
      }),
    output: () => ({ arrays: {}, numbers: gradientNorms(network) }),
  };
}

export const compute = ({ device, dtype }: Order) => ({ device, precision: dtype });
export const floats = (tensor: Tensor): Float32Array =>
  scope(() => tensor.to({ dtype: "float32", device: "cpu" }).contiguous().toArray() as Float32Array);

const adSam = () => new AdSam({ decoder: "deformable-convolution", embeddingOnly: true, resnet: "resnet50" });

function inputs({ batch, height, width, device }: Order) {
  const given = (name: string, shape: number[], bound: number) =>
    formulaInput(name, { shape, lo: -bound, hi: bound }).to({ device });
  return {
    image: given("image", [batch, 3, height, width], 2),
    samEmbedding: given("sam_embedding", [batch, 256, height / 16, width / 16], 1),
  };
}
