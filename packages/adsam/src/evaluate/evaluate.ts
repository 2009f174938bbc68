import { GraphedForward } from "@adsam/kernels";
import { noGrad, Problem, type Size, scope } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import type { Dataset } from "../data/dataset.js";
import { DataLoader } from "../data/loader.js";
import type { LabelMap } from "../data/picture.js";
import { evaluationTransforms } from "../data/transforms/recipe.js";
import { ConfusionMatrix } from "../metrics/confusion.js";
import type { Segmenter } from "../models/segmenter.js";
import { batchLogits, type CallOptions } from "./batch-logits.js";
import { labelMap } from "./predict-labels.js";

/** What is scored, and how it is read. */
export interface EvaluationData {
  readonly dataset: Dataset;
  /** What pictures are resized to for the network. */
  readonly input: Size;
  readonly batchSize?: number;
  readonly workers?: number;
  /** Whether batches carry the hashes of their pictures, for embeddings that stand in for the encoder. */
  readonly hashed?: boolean;
}

interface Scoring extends CallOptions {
  readonly network: Segmenter;
  /** Where predictions meet labels: at the label's own size (the rule of Cityscapes), or at the network's. */
  readonly resolution: "label" | "network";
  /** Stops after the batch at hand; the pictures so far are scored. */
  readonly signal?: AbortSignal;
  /** Sees each prediction, at the scored size, and the label it met. */
  readonly onPrediction?: (prediction: ScoredPicture) => void | Promise<void>;
  readonly onProgress?: (done: number, total: number) => void;
  /** Told once, on a GPU, why the network's operators were not recorded and replayed, if they were not. */
  readonly onNotReplayed?: (reason: string) => void;
}

/** The data itself, or a loader by `evaluationLoader`, which stays open. */
export type EvaluationOptions = Scoring & (EvaluationData | { readonly loader: DataLoader });

export interface ScoredPicture {
  readonly index: number;
  readonly id: string;
  readonly prediction: LabelMap;
  readonly label: LabelMap;
}

/** Reads a split for `evaluate`, once or again and again. @throws Problem for pictures without a label */
export function evaluationLoader({ dataset, input, batchSize = 1, workers, hashed }: EvaluationData): DataLoader {
  return new DataLoader({
    dataset,
    recipe: evaluationTransforms({ height: input.height, width: input.width }),
    batchSize,
    mode: "evaluation",
    seed: 0,
    ...(workers !== undefined && { workers }),
    ...(hashed !== undefined && { hashed }),
  });
}

/**
 * One confusion matrix over the whole split. The network is put into evaluation mode and back.
 * @throws Problem where the network has another number of classes than the data, and for bad files
 */
export async function evaluate(options: EvaluationOptions): Promise<ConfusionMatrix> {
  if ("loader" in options) return await score(options.loader, options);
  await using loader = evaluationLoader(options);
  return await score(loader, options);
}

async function score(loader: DataLoader, options: Scoring): Promise<ConfusionMatrix> {
  const { network, signal } = options;
  const { name, classes, samples } = loader.dataset;
  const numClasses = classes.names.length;
  if (network.config.numClasses !== numClasses)
    throw new Problem({
      what: `evaluation on ${name}`,
      found: `a network of ${network.config.numClasses} classes`,
      expected: `${numClasses} (${classes.names.slice(0, 3).join(", ")}, …)`,
      todo: "Evaluate on a data set with the classes the network was trained for.",
    });
  const matrix = new ConfusionMatrix(numClasses, classes.ignoreIndex);
  const wasTraining = network.training;
  network.eval();
  let done = 0;
  using forward = new GraphedForward((image) => network.call({ image })); // plain calls on the CPU
  try {
    for await (const batch of loader.epoch(1, { reuse: true })) {
      const predictions = predictBatch(batch, { ...options, forward });
      for (const [place, prediction] of predictions.entries()) {
        const label = options.resolution === "label" ? batch.native![place]! : networkLabel(batch, place);
        matrix.update(prediction.data, label.data);
        await options.onPrediction?.({ index: batch.indices[place]!, id: batch.ids[place]!, prediction, label });
      }
      done += batch.ids.length;
      options.onProgress?.(done, samples.length);
      if (signal?.aborted) break;
    }
    if (options.compute.device !== "cpu" && !options.embeddings && forward.whyNot !== undefined)
      options.onNotReplayed?.(forward.whyNot);
  } finally {
    network.train(wasTraining);
  }
  return matrix;
}

function predictBatch(batch: Batch, { network, resolution, ...call }: Scoring): LabelMap[] {
  return scope(() =>
    noGrad(() => {
      const logits = batchLogits(network, batch, call); // [B, C, H, W]
      return batch.ids.map((_, place) =>
        scope(() =>
          labelMap(logits.narrow(0, place, 1), resolution === "label" ? batch.native![place]!.size : batch.size),
        ),
      );
    }),
  );
}

function networkLabel(batch: Batch, place: number): LabelMap {
  const cells = batch.size.height * batch.size.width;
  return { data: batch.label.subarray(place * cells, (place + 1) * cells), size: batch.size };
}
