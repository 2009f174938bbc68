import { noGrad, scope, Tensor } from "@adsam/torch";
import type { Batch } from "../data/batch.js";
import { IGNORE } from "../data/labels.js";
import type { LabelMap, Picture } from "../data/picture.js";
import type { Segmenter } from "../models/segmenter.js";
import { batchLogits, type CallOptions } from "./batch-logits.js";
import type { ClassMapping } from "./class-mapping.js";
import { labelMap } from "./predict-labels.js";
import { crfLabels } from "./refine/crf-labels.js";
import { looksAgain, type Refinement } from "./refine/options.js";
import { averagedProbabilities } from "./refine/views.js";

/** How a batch becomes label maps. */
export interface PredictBatchOptions extends CallOptions {
  readonly network: Segmenter;
  /** The size where classes are decided: the label's own, or the network's. */
  readonly resolution: "label" | "network";
  /** Where the network and the data have different classes: what both are scored in. */
  readonly mapping?: ClassMapping | undefined;
  /** Looks at other sizes and mirror images, and a CRF. Default: none of it. */
  readonly refinement?: Refinement | undefined;
}

/**
 * A batch's label maps, in the scored classes.
 * @param pictures as they lie in their files, where the prediction is refined
 */
export function predictBatch(
  batch: Batch,
  { network, resolution, mapping, refinement, ...call }: PredictBatchOptions,
  pictures: readonly Picture[],
): LabelMap[] {
  const again = refinement !== undefined && looksAgain(refinement);
  const looking = {
    input: batch.size,
    compute: call.compute,
    forward: (image: Tensor) => call.forward?.call(image) ?? network.call({ image }),
  };
  const answers = mapping && answersOf(mapping);
  return scope(() =>
    noGrad(() => {
      const all = again ? averagedProbabilities(pictures, refinement, looking) : batchLogits(network, batch, call); // [B, C, H, W]
      const meaning = again ? "probabilities" : "logits";
      const answer = answers ? chosen(all, answers.channels, meaning) : all;
      return batch.ids.map((_, place) =>
        scope(() => {
          const size = resolution === "label" ? batch.native![place]!.size : batch.size;
          const own = answer.narrow(0, place, 1);
          const crf = refinement?.crf;
          const prediction = crf ? crfLabels(own, meaning, pictures[place]!, size, crf) : labelMap(own, size);
          return answers ? translated(prediction, answers.ids) : prediction;
        }),
      );
    }),
  );
}

/** The channels that a network may answer with, and what each is called among the scored classes. */
function answersOf({ predictions }: ClassMapping): { readonly channels: number[]; readonly ids: Uint8Array } {
  const channels = [...predictions.keys()].filter((channel) => predictions[channel] !== IGNORE);
  return { channels, ids: Uint8Array.from(channels, (channel) => predictions[channel]!) };
}

/** Some of the channels; of probabilities, so that they add up to 1 again. */
function chosen(all: Tensor, channels: readonly number[], meaning: "logits" | "probabilities"): Tensor {
  if (channels.length === all.dims4("logits")[1]) return all;
  const part = all.indexSelect(1, Tensor.of(channels, { dtype: "int64", device: all.device }));
  return meaning === "logits" ? part : part.div(part.sum([1], { keepdim: true }).clamp({ min: 1e-12 }));
}

/** Each id by the table; what the table has not, such as the ignored id, stays. */
export function translated({ data, size }: LabelMap, table: Uint8Array): LabelMap {
  const whole = Uint8Array.from({ length: 256 }, (_, id) => table[id] ?? id);
  return { data: data.map((id) => whole[id]!), size };
}
