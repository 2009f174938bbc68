import { GraphedForward } from "@adsam/kernels";
import { cat, noGrad, Problem, scope, send, Tensor } from "@adsam/torch";
import { type Compute, type ComputeChoice, chooseCompute, withPrecision } from "../compute.js";
import type { ClassTable } from "../data/labels.js";
import type { LabelMap, Picture, Size } from "../data/picture.js";
import { labelMap } from "../evaluate/predict-labels.js";
import { crfLabels } from "../evaluate/refine/crf-labels.js";
import { looksAgain, type Refinement, viewSizes } from "../evaluate/refine/options.js";
import { averagedProbabilities } from "../evaluate/refine/views.js";
import type { Segmenter } from "../models/segmenter.js";
import { loadNetwork } from "../train/checkpoint.js";
import { inputStep } from "../train/recipe-schema.js";
import { type PreparedPicture, preparePicture } from "./prepare.js";
import { type ClassShares, classShares } from "./shares.js";

export interface PredictorOptions {
  /** What the network sees: multiples of 32. By default what it was trained with. */
  readonly size?: Size;
  /** "auto" (the default) takes CUDA where it is there. */
  readonly device?: ComputeChoice["device"];
  /** "auto" (the default): bfloat16 on CUDA (float16 before Ampere), float32 on the CPU. */
  readonly precision?: ComputeChoice["precision"];
  readonly threads?: ComputeChoice["threads"];
  /** The file of the frozen encoder, if it has moved since the run, or if the checkpoint comes from elsewhere; see `loadNetwork`. */
  readonly encoderWeights?: string;
  /** Looks at other sizes and mirror images, and a CRF. Default: none of it. */
  readonly refinement?: Refinement | undefined;
}

export interface Prediction {
  /** [H, W] train ids at the picture's own size. */
  readonly ids: LabelMap;
  readonly shares: ClassShares;
}

/**
 * A trained network that says of every pixel what it shows.
 *
 *     using predictor = Predictor.open("runs/ad-sam/best.pth");
 *     const { ids, shares } = predictor.predict(await readPicture("street.jpg"));
 */
export class Predictor {
  readonly network: Segmenter;
  readonly classes: ClassTable;
  /** What pictures are resized to, aspect not kept. */
  readonly input: Size;
  readonly compute: Compute;
  readonly refinement: Refinement;
  /** The network's forward; on a GPU replayed from a recording where shapes come again. */
  private readonly forward: GraphedForward;

  /** @param network in evaluation mode, on the device of `compute`; it is disposed with the predictor */
  constructor(network: Segmenter, classes: ClassTable, input: Size, compute: Compute, refinement: Refinement = {}) {
    viewSizes(input, refinement.scales); // refuses what cannot be
    this.network = network;
    this.classes = classes;
    this.input = input;
    this.compute = compute;
    this.refinement = refinement;
    this.forward = new GraphedForward((image) => network.call({ image }));
  }

  /** Why a GPU is given the network's operators one by one instead of a recording of them; undefined on the CPU and where it is replayed. */
  get whyNotReplayed(): string | undefined {
    return this.compute.device === "cpu" ? undefined : this.forward.whyNot;
  }

  /**
   * @param checkpoint a run's `best.pth` or `last.pth`, or AD-SAM's weights as its authors save them
   * @throws Problem for another file, a size the network cannot halve five times, or a device that is not there
   */
  static open(checkpoint: string, options: PredictorOptions = {}): Predictor {
    const { device = "auto", precision = "auto", threads = "auto" } = options;
    const compute = chooseCompute({ device, precision, threads });
    const { network, classes, recipe } = loadNetwork(checkpoint, options);
    const { height, width } = options.size ?? recipe.input;
    for (const side of [height, width])
      if (!Number.isInteger(side) || side < inputStep || side % inputStep !== 0)
        throw new Problem({
          what: "prediction",
          found: `a network input of height ${height}, width ${width}`,
          expected: `multiples of ${inputStep}`,
        });
    return new Predictor(
      network.to({ device: compute.device }),
      classes,
      { height, width },
      compute,
      options.refinement,
    );
  }

  /** A picture of any size; the decision is made at that size. */
  predict(picture: Picture): Prediction {
    const [ids] = this.predictPrepared([preparePicture(picture, this.input)]);
    return { ids: ids!, shares: classShares(ids!, this.classes) };
  }

  /** A batch of pictures resized and normalised before, as worker threads do. Their own sizes may differ. */
  predictPrepared(batch: readonly PreparedPicture[]): LabelMap[] {
    const { refinement } = this;
    return scope(() =>
      noGrad(() => {
        const again = looksAgain(refinement);
        const answer = again ? this.lookAgain(batch) : this.look(batch); // [B, C, H, W]
        return batch.map(({ picture }, place) =>
          scope(() => {
            const own = answer.narrow(0, place, 1);
            if (refinement.crf === undefined) return labelMap(own, picture.size);
            return crfLabels(own, again ? "probabilities" : "logits", picture, picture.size, refinement.crf);
          }),
        );
      }),
    );
  }

  /** → logits [B, C, H, W] */
  private look(batch: readonly PreparedPicture[]): Tensor {
    const { height, width } = this.input;
    const images = batch.map(({ image }) => Tensor.share(image, [1, 3, height, width]));
    const image = send(images.length === 1 ? images[0]! : cat(images), this.compute.device);
    return withPrecision(this.compute, () => this.forward.call(image));
  }

  /** → probabilities [B, C, H, W], of several looks */
  private lookAgain(batch: readonly PreparedPicture[]): Tensor {
    const pictures = batch.map(({ picture }) => picture);
    const { input, compute, refinement } = this;
    return averagedProbabilities(pictures, refinement, {
      input,
      compute,
      forward: (image) => this.forward.call(image),
    });
  }

  /** Frees the network. */
  [Symbol.dispose](): void {
    this.forward.dispose();
    this.network.dispose();
  }
}
