import { keep, noGrad, Problem, scope, type Tensor } from "@adsam/torch";
import type { Picture, Size } from "../../data/picture.js";
import { frameImage, type InputFrame, inputFrame, unframeMasks } from "./input-frame.js";
import type { SamPrompt } from "./prompt.js";
import type { Sam } from "./sam.js";

export interface SamPredictOptions {
  /** Three masks a prompt (default), or the one for prompts that leave nothing open (a box, several points). */
  readonly multimaskOutput?: boolean;
  /** Logits instead of booleans. */
  readonly returnLogits?: boolean;
}

/** The answer to one prompt, M masks; to a batch of P prompts each tensor has P in front. They belong to the caller's scope. */
export interface SamMasks {
  /** bool [M, H, W] at the picture's size, or float32 logits, of which those above 0 are the mask */
  readonly masks: Tensor;
  /** float32 [M]: how well the network thinks each fits */
  readonly iouPredictions: Tensor;
  /** float32 logits [M, 4·grid, 4·grid], to be refined by another prompt */
  readonly lowResMasks: Tensor;
}

/**
 * SAM on one picture at a time: encoded once, asked as often as one likes.
 *
 *     using predictor = new SamPredictor(sam);
 *     predictor.setImage(await readPicture("street.jpg"));
 *     const { masks } = predictor.predict({ pointCoords: [[410, 260]], pointLabels: [1] });
 */
export class SamPredictor {
  readonly sam: Sam;
  #embedding: Tensor | undefined;
  #frame: InputFrame | undefined;

  /** @param sam in evaluation mode; it stays the caller's */
  constructor(sam: Sam) {
    this.sam = sam;
  }

  /** Encodes a picture; what was asked of the one before does not count any more. */
  setImage(picture: Picture): void {
    noGrad(() =>
      scope(() => {
        const { image, frame } = frameImage(picture, this.sam.imageSize);
        const { device } = this.sam.promptEncoder.noMaskEmbed.weight;
        this.#set(this.sam.imageEncoder.call(image.to({ device })), frame);
      }),
    );
  }

  /**
   * Takes an embedding computed before instead.
   * @param embedding [1, C, grid, grid]; it is copied
   * @param size of the picture it was made of
   */
  setEmbedding(embedding: Tensor, size: Size): void {
    const { embedDim, grid } = this.sam.promptEncoder;
    const expected = [1, embedDim, grid, grid];
    if (embedding.shape.join() !== expected.join())
      throw new Problem({
        what: "embedding for SAM",
        found: `[${embedding.shape.join(", ")}]`,
        expected: `[${expected.join(", ")}]`,
      });
    noGrad(() => scope(() => this.#set(embedding.detach().clone(), inputFrame(size, this.sam.imageSize))));
  }

  #set(embedding: Tensor, frame: InputFrame): void {
    this.reset();
    this.#embedding = keep(embedding);
    this.#frame = frame;
  }

  /** Of the picture set. @throws Problem where none is */
  get size(): Size {
    return this.#state.frame.size;
  }

  /** [1, C, grid, grid], the predictor's own. @throws Problem where no picture is set */
  get embedding(): Tensor {
    return this.#state.embedding;
  }

  get #state(): { embedding: Tensor; frame: InputFrame } {
    if (this.#embedding && this.#frame) return { embedding: this.#embedding, frame: this.#frame };
    throw new Problem({ what: "SAM", found: "a prompt and no picture", todo: "Call setImage first." });
  }

  /** @throws Problem for a prompt that asks nothing or lies outside the picture */
  predict(prompt: SamPrompt, options: SamPredictOptions = {}): SamMasks {
    return scope(() => {
      const { masks, iouPredictions, lowResMasks } = this.predictBatch([prompt], options);
      return {
        masks: masks.squeeze(0),
        iouPredictions: iouPredictions.squeeze(0),
        lowResMasks: lowResMasks.squeeze(0),
      };
    });
  }

  /** Many prompts at once, of any form. Each prompt gets what it would get alone. */
  predictBatch(
    prompts: readonly SamPrompt[],
    { multimaskOutput = true, returnLogits = false }: SamPredictOptions = {},
  ): SamMasks {
    return noGrad(() =>
      scope(() => {
        const { lowResMasks, iouPredictions } = this.decode(prompts, { multimaskOutput });
        const logits = this.upscale(lowResMasks);
        return { masks: returnLogits ? logits : logits.gt(0), iouPredictions, lowResMasks };
      }),
    );
  }

  /** The network's answer before it is brought to the picture's size: [P, M, 4·grid, 4·grid] logits and [P, M] IoUs. */
  decode(
    prompts: readonly SamPrompt[],
    { multimaskOutput = true }: Pick<SamPredictOptions, "multimaskOutput"> = {},
  ): Pick<SamMasks, "lowResMasks" | "iouPredictions"> {
    return noGrad(() =>
      scope(() => {
        const { embedding, frame } = this.#state;
        const placed = prompts.map((prompt) => ({ prompt, picture: 0, frame }));
        const { lowResMasks, iouPredictions } = this.sam.decode(embedding, placed, { multimaskOutput });
        return {
          lowResMasks: lowResMasks.to({ dtype: "float32" }),
          iouPredictions: iouPredictions.to({ dtype: "float32" }),
        };
      }),
    );
  }

  /** Logits at the picture's size: [P, M, 4·grid, 4·grid] → [P, M, H, W]. */
  upscale(lowResMasks: Tensor): Tensor {
    return noGrad(() => scope(() => unframeMasks(lowResMasks, this.#state.frame)));
  }

  /** Forgets the picture. */
  reset(): void {
    this.#embedding?.dispose();
    this.#embedding = undefined;
    this.#frame = undefined;
  }

  [Symbol.dispose](): void {
    this.reset();
  }
}
