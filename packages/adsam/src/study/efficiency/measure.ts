/** What one forward pass of a recipe's network costs. Weights are random: what they say costs nothing. */
import { readFileSync } from "node:fs";
import { noGrad, scope, zeros } from "@adsam/torch";
import { chooseCompute, withPrecision } from "../../compute.js";
import type { Recipe } from "../../train/recipe-schema.js";
import { type NetworkSize, networkBuilder, networkSize } from "./network-size.js";

export interface Cost extends NetworkSize {
  /** Seconds of one picture: the least of several passes, the encoder's among them. */
  readonly latency: number;
  /** Bytes resident at most, libtorch and Node included; null on a GPU, whose memory is not the process's. */
  readonly memory: number | null;
  /** Joules of one picture by the processor's own counter (RAPL), of all that the machine did meanwhile; null where it may not be read. */
  readonly energy: number | null;
  readonly passes: number;
}

const [fewestPasses, seconds] = [3, 2];

/** @param numClasses that the network tells apart */
export function measureCost(recipe: Recipe, numClasses: number): Cost {
  const compute = chooseCompute(recipe.run);
  const { height, width } = recipe.input;
  const times: number[] = [];
  const energies: (number | null)[] = [];
  scope(() => {
    const network = networkBuilder(recipe, numClasses)().to({ device: compute.device }).eval();
    const image = zeros([1, 3, height, width]).to({ device: compute.device });
    const pass = () =>
      noGrad(() =>
        scope(
          () =>
            void withPrecision(compute, () => network.call({ image }))
              .sum()
              .item(),
        ),
      );
    pass(); // memory is laid out, kernels are chosen
    const begun = performance.now();
    while (times.length < fewestPasses || performance.now() - begun < 1000 * seconds) {
      const [joules, start] = [joulesSoFar(), performance.now()];
      pass();
      times.push((performance.now() - start) / 1000);
      const after = joulesSoFar();
      energies.push(joules === null || after === null || after < joules ? null : after - joules);
    }
    network.dispose();
  });
  const joules = energies.filter((one) => one !== null);
  return {
    ...networkSize(recipe, numClasses),
    latency: Math.min(...times),
    memory: compute.device === "cpu" ? process.resourceUsage().maxRSS * 1024 : null,
    energy: joules.length === 0 ? null : Math.min(...joules),
    passes: times.length,
  };
}

/** Of the first processor package since it was switched on; null where the system does not say. */
function joulesSoFar(): number | null {
  try {
    return Number(readFileSync("/sys/class/powercap/intel-rapl:0/energy_uj", "utf8")) / 1e6;
  } catch {
    return null;
  }
}
