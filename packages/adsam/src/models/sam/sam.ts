import { cat, nn, Problem, stack, Tensor } from "@adsam/torch";
import { buildEncoder, type EncoderSpec, type ImageEncoder } from "../encoders.js";
import { type InputFrame, intoFrame } from "./input-frame.js";
import { type DecodedMasks, MaskDecoder } from "./mask-decoder.js";
import { checkPrompt, type SamPrompt } from "./prompt.js";
import { PromptEncoder, type PromptTensors } from "./prompt-encoder.js";

/** A prompt, the picture of the batch that it is for, and how that picture lies in the network's input. */
export interface PlacedPrompt {
  readonly prompt: SamPrompt;
  readonly picture: number;
  readonly frame: InputFrame;
}

export interface SamInput {
  /** [B, 3, imageSize, imageSize], ImageNet mean and deviation, as `frameImage` gives it */
  readonly image: Tensor;
  /** For each picture of the batch; from `frameImage` */
  readonly frames: readonly InputFrame[];
  /** For each picture its prompts: their number and their form may differ. */
  readonly prompts: readonly (readonly SamPrompt[])[];
  /** Three masks a prompt, for prompts that leave open what is meant (default), or one. */
  readonly multimaskOutput?: boolean;
}

/** Segment Anything (Kirillov et al. 2023): masks for prompts. State-dict names as in the released checkpoints. */
export class Sam extends nn.Module {
  readonly imageEncoder: ImageEncoder;
  readonly promptEncoder: PromptEncoder;
  readonly maskDecoder: MaskDecoder;
  /** Side of the square input, in pixels. */
  readonly imageSize: number;

  constructor(imageEncoder: ImageEncoder) {
    super();
    const { imageSize, patchSize, outChans } = imageEncoder.config;
    this.imageSize = imageSize;
    this.imageEncoder = imageEncoder;
    this.promptEncoder = new PromptEncoder(outChans, imageSize / patchSize, imageSize);
    this.maskDecoder = new MaskDecoder(outChans);
  }

  /**
   * Masks for the prompts of several pictures. What a prompt gets does not depend on the others in the batch.
   * @returns for each picture: logits [P, M, 4·grid, 4·grid] and [P, M] predicted IoUs; `unframeMasks` brings masks to the picture's size
   */
  forward({ image, frames, prompts, multimaskOutput = true }: SamInput): DecodedMasks[] {
    const [b] = image.dims4("image");
    if (frames.length !== b || prompts.length !== b)
      throw new Problem({
        what: "pictures for SAM",
        found: `${b} pictures, ${frames.length} frames, ${prompts.length} lists of prompts`,
        expected: "one of each a picture",
      });
    const embedding = this.imageEncoder.call(image); // [B, C, grid, grid]
    const placed = prompts.flatMap((list, picture) =>
      list.map((prompt) => ({ prompt, picture, frame: frames[picture]! })),
    );
    const masks = this.decode(embedding, placed, { multimaskOutput });
    const ends = prompts.map((_, picture) => prompts.slice(0, picture + 1).reduce((sum, list) => sum + list.length, 0));
    return prompts.map(({ length }, picture) => ({
      lowResMasks: masks.lowResMasks.narrow(0, ends[picture]! - length, length),
      iouPredictions: masks.iouPredictions.narrow(0, ends[picture]! - length, length),
    }));
  }

  /**
   * Masks for prompts about pictures that are encoded already.
   * @param embedding [B, C, grid, grid]
   * @param placed P prompts in any order
   * @returns [P, M, 4·grid, 4·grid] and [P, M], in the prompts' order
   * @throws Problem for a prompt that asks nothing or lies outside its picture
   */
  decode(
    embedding: Tensor,
    placed: readonly PlacedPrompt[],
    { multimaskOutput = true }: { readonly multimaskOutput?: boolean } = {},
  ): DecodedMasks {
    const { maskSize } = this.promptEncoder;
    for (const [i, { prompt, frame }] of placed.entries())
      checkPrompt(prompt, frame.size, { maskSize, ...(placed.length > 1 && { name: `prompt ${i + 1}` }) });
    const count = multimaskOutput ? this.maskDecoder.numMultimaskOutputs : 1;
    if (placed.length === 0)
      return {
        lowResMasks: embedding.newZeros([0, count, maskSize, maskSize]),
        iouPredictions: embedding.newZeros([0, count]),
      };
    const imagePe = this.promptEncoder.densePositions();
    const groups = byForm(placed);
    const answers = groups.map((places) => {
      const group = places.map((place) => placed[place]!);
      const prompts = this.promptEncoder.call(
        group.length,
        promptTensors(group, this.promptEncoder.noMaskEmbed.weight),
      );
      return this.maskDecoder.call(picturesOf(group, embedding), imagePe, prompts, { multimaskOutput });
    });
    return inOrder(groups, answers);
  }
}

/** SAM around an encoder by name, or by its sizes; first weights by the default generator. */
export function buildSam(encoder: EncoderSpec): Sam {
  return new Sam(buildEncoder(encoder));
}

/** Prompts of the same form go through the decoder together: padding one to another's length would change what it answers. */
function byForm(placed: readonly PlacedPrompt[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const [place, { prompt }] of placed.entries()) {
    const form = `${prompt.pointCoords?.length ?? 0} ${prompt.box !== undefined} ${prompt.maskInput !== undefined}`;
    const group = groups.get(form);
    if (group) group.push(place);
    else groups.set(form, [place]);
  }
  return [...groups.values()];
}

/** @param like where the prompt encoder computes, and in which precision */
function promptTensors(group: readonly PlacedPrompt[], { device, dtype }: Tensor): PromptTensors {
  const { pointCoords, box, maskInput } = group[0]!.prompt;
  const p = group.length;
  const n = pointCoords?.length ?? 0;
  const points = group.flatMap(({ prompt, frame }) =>
    (prompt.pointCoords ?? []).flatMap((point) => intoFrame(point, frame)),
  );
  const labels = group.flatMap(({ prompt }) => [...(prompt.pointLabels ?? [])]);
  const corners = group.flatMap(({ prompt, frame }) => {
    const [x0, y0, x1, y1] = prompt.box ?? [0, 0, 0, 0];
    return [...intoFrame([x0, y0], frame), ...intoFrame([x1, y1], frame)];
  });
  const numbers = (values: readonly number[], shape: readonly number[]) =>
    Tensor.from(Float32Array.from(values), shape).to({ device, dtype });
  return {
    ...(n > 0 && {
      pointCoords: numbers(points, [p, n, 2]),
      pointLabels: Tensor.from(Int32Array.from(labels), [p, n]).to({ device, dtype: "int64" }),
    }),
    ...(box && { boxes: numbers(corners, [p, 4]) }),
    ...(maskInput && { masks: stack(group.map(({ prompt }) => prompt.maskInput!.to({ device, dtype }))) }),
  };
}

/** Each prompt's picture: [P, C, grid, grid], or [1, C, grid, grid] where all have the same. */
function picturesOf(group: readonly PlacedPrompt[], embedding: Tensor): Tensor {
  const pictures = [...new Set(group.map(({ picture }) => picture))];
  if (pictures.length === 1) return embedding.narrow(0, pictures[0]!, 1);
  const places = Tensor.from(
    Int32Array.from(group, ({ picture }) => picture),
    [group.length],
  );
  return embedding.indexSelect(0, places.to({ device: embedding.device }));
}

/** The answers of groups in the order in which the prompts were asked. */
function inOrder(groups: readonly (readonly number[])[], answers: readonly DecodedMasks[]): DecodedMasks {
  if (answers.length === 1) return answers[0]!;
  const asked = groups.flat();
  const back = new Int32Array(asked.length);
  for (const [at, place] of asked.entries()) back[place] = at;
  const sorted = (parts: readonly Tensor[]) => {
    const joined = cat([...parts]);
    return joined.indexSelect(0, Tensor.from(back, [back.length]).to({ device: joined.device }));
  };
  return {
    lowResMasks: sorted(answers.map(({ lowResMasks }) => lowResMasks)),
    iouPredictions: sorted(answers.map(({ iouPredictions }) => iouPredictions)),
  };
}
