import { GraphedForward } from "@adsam/kernels";
import { Problem, type Size } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import type { Dataset } from "../data/dataset.js";
import type { ClassTable } from "../data/labels.js";
import { DataLoader } from "../data/loader.js";
import { type LabelMap, type Picture, readPicture } from "../data/picture.js";
import { evaluationTransforms } from "../data/transforms/recipe.js";
import { ConfusionMatrix } from "../metrics/confusion.js";
import { type PredictBatchOptions, predictBatch, translated } from "./predict-batch.js";
import { looksAgain, refines } from "./refine/options.js";

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

interface Scoring extends PredictBatchOptions {
  /** Factor on the size of what the network sees, see `zoomed`; 1 where it is left out. */
  readonly zoom?: number;
  /** Stops after the batch at hand; the pictures so far are scored. */
  readonly signal?: AbortSignal;
  /** Sees each prediction, at the scored size and in the scored classes, and the label it met. */
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
  /** Of this picture alone. */
  readonly matrix: ConfusionMatrix;
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
 * @throws Problem where the network has another number of classes than the data (or than the mapping speaks of), and for bad files
 */
export async function evaluate(options: EvaluationOptions): Promise<ConfusionMatrix> {
  if ("loader" in options) return await score(options.loader, options);
  await using loader = evaluationLoader(options);
  return await score(loader, options);
}

async function score(loader: DataLoader, options: Scoring): Promise<ConfusionMatrix> {
  const { network, mapping, signal } = options;
  const { samples } = loader.dataset;
  const classes = scoredClassTable(loader, options);
  const newMatrix = () => new ConfusionMatrix(classes.names.length, classes.ignoreIndex);
  const matrix = newMatrix();
  const refined = refines(options.refinement);
  if (refined && options.embeddings && looksAgain(options.refinement!)) throw noEmbeddings(loader.dataset);
  const wasTraining = network.training;
  network.eval();
  let done = 0;
  using forward = new GraphedForward((image) => network.call({ image })); // plain calls on the CPU
  try {
    for await (const batch of loader.epoch(1, { reuse: true, zoom: options.zoom ?? 1 })) {
      const pictures = refined ? await picturesOf(batch, loader.dataset) : [];
      const predictions = predictBatch(batch, { ...options, forward }, pictures);
      for (const [place, prediction] of predictions.entries()) {
        const own = options.resolution === "label" ? batch.native![place]! : networkLabel(batch, place);
        const label = mapping ? translated(own, mapping.labels) : own;
        const counts = newMatrix();
        counts.update(prediction.data, label.data);
        matrix.merge(counts);
        const [index, id] = [batch.indices[place]!, batch.ids[place]!];
        await options.onPrediction?.({ index, id, prediction, label, matrix: counts });
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

/** @throws Problem where network, data and mapping do not speak of the same classes */
function scoredClassTable({ dataset }: DataLoader, { network, mapping }: Scoring): ClassTable {
  const { name, classes } = dataset;
  const { numClasses } = network.config;
  const [answers, labels] = [mapping?.predictions.length, mapping?.labels.length];
  if (mapping && (answers !== numClasses || labels !== classes.names.length)) {
    const found = `a network of ${numClasses} classes and data of ${classes.names.length}`;
    throw new Problem({
      what: `evaluation on ${name}`,
      found,
      expected: `${answers} and ${labels}, as the label map has them`,
    });
  }
  if (!mapping && numClasses !== classes.names.length)
    throw new Problem({
      what: `evaluation on ${name}`,
      found: `a network of ${numClasses} classes`,
      expected: `${classes.names.length} (${classes.names.slice(0, 3).join(", ")}, …)`,
      todo: "Evaluate on a data set with the classes the network was trained for, or say with --label-map which of them are which.",
    });
  return mapping?.classes ?? classes;
}

const picturesOf = ({ indices }: Batch, { samples }: Dataset): Promise<Picture[]> =>
  Promise.all(indices.map((index) => readPicture(samples[index]!.imagePath)));

function noEmbeddings({ name }: Dataset): Problem {
  return new Problem({
    what: `evaluation on ${name} at other scales or on mirror images`,
    found: "stored embeddings in place of the encoder, which are those of one size",
    expected: "a network that has its encoder",
    todo: "Load it with its encoder, or leave scales and mirror out.",
  });
}

function networkLabel(batch: Batch, place: number): LabelMap {
  const cells = batch.size.height * batch.size.width;
  return { data: batch.label.subarray(place * cells, (place + 1) * cells), size: batch.size };
}
