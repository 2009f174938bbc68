/**
 * This project's side of the benchmark, the counterpart of peers/measure.py: builds the network, then does one piece of work a
 * line on stdin.
 *
 *     measure.js '{"work": "forward" | "step", "size": 512, "threads": 2}'
 *
 * `run` does the work once and answers `{ seconds, loss }`; `output PATH` writes the last logits (float32, row-major) or, for a
 * step, answers the norm of every gradient; the end of stdin ends the process. Answers are JSON, one a line.
 */
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { buildInfo, noGrad, optim, scope, setNumThreads, type Tensor } from "@adsam/torch";
import { HybridLoss } from "adsam/losses/hybrid";
import { AdSam } from "adsam/models/ad-sam";
import { parameterGroups } from "adsam/train/optimiser";
import { paperRecipe } from "adsam/train/recipe";
import { fillModule, goldenInput, labelMap } from "#golden";
import type { Order } from "./side.js";

/** The label that counts nowhere: the last of 20 drawn, as in the golden files. */
const ignoreIndex = 19;

interface Work {
  /** @returns the loss, for a step */
  run(): number | undefined;
  output(path: string): object;
}

function inputs(size: number) {
  const cells = size / 16;
  return {
    image: goldenInput("image", { shape: [1, 3, size, size], lo: -2, hi: 2 }),
    samEmbedding: goldenInput("sam_embedding", { shape: [1, 256, cells, cells], lo: -1, hi: 1 }),
  };
}

function forwardWork(size: number): Work {
  const network = fillModule(adSam()).eval();
  const input = inputs(size);
  let logits: Tensor | undefined;
  return {
    run() {
      logits?.dispose();
      logits = noGrad(() => network.call(input));
      return undefined;
    },
    output(path) {
      writeFileSync(path, logits!.data());
      return {};
    },
  };
}

function stepWork(size: number): Work {
  const network = fillModule(adSam()).train();
  const input = inputs(size);
  const labels = labelMap({ label: "target", block: 16, classes: 20, ignore: ignoreIndex }, dimensions(size));
  const hybrid = new HybridLoss({ ignoreIndex });
  const optimiser = new optim.AdamW(parameterGroups(network, paperRecipe().optim), { weightDecay: 5e-4 });
  return {
    run() {
      optimiser.zeroGrad();
      hybrid.dispose(); // the distance maps, else kept from step to step: the peer computes them each time
      const loss = scope(() => {
        const { total } = hybrid.call(network.call(input), labels);
        total.backward();
        return total.item();
      });
      optimiser.step();
      return loss;
    },
    output: () => ({
      norms: Object.fromEntries(
        [...network.namedParameters()].map(([name, tensor]) => [name, scope(() => norm(tensor.grad!))]),
      ),
    }),
  };
}

const adSam = () => new AdSam({ decoder: "deformable-convolution", embeddingOnly: true, resnet: "resnet50" });
const dimensions = (size: number) => ({ batch: 1, height: size, width: size });
const norm = (gradient: Tensor) => gradient.to({ dtype: "float64" }).linalgVectorNorm().item();
const answer = (record: object) => process.stdout.write(`${JSON.stringify(record)}\n`);

const order = JSON.parse(process.argv[2]!) as Order;
setNumThreads(order.threads);
const work = order.work === "forward" ? forwardWork(order.size) : stepWork(order.size);
answer({ version: `libtorch ${buildInfo().version}, Node ${process.versions.node}` });
for await (const line of createInterface({ input: process.stdin })) {
  const [command, path = ""] = line.split(/ (.*)/);
  if (command === "run") {
    const started = performance.now();
    const loss = work.run();
    answer({ seconds: (performance.now() - started) / 1000, loss: loss ?? null });
  } else answer(work.output(path));
}
