import { cat, noGrad, scope, type Tensor } from "@adsam/torch";
import { type Box, toXywh } from "../models/sam/automatic/boxes.js";
import { encodeMasks, maskBoxes, stabilityScore } from "../models/sam/automatic/mask-tensors.js";
import { rleArea } from "../models/sam/automatic/rle.js";
import type { SamPredictor } from "../models/sam/predictor.js";
import type { SamPrompt } from "../models/sam/prompt.js";
import type { FoundMask } from "./found-mask.js";
import type { MaskChoice } from "./question.js";

/** Prompts decoded and masks brought to the picture's size together: a mask of 2048×1024 takes 8 MB of logits. */
const together = 16;
/** The threshold of the logits, and how far it is moved to see how stable a mask is: the reference's. */
const stability = { threshold: 0, offset: 1 };

/** The masks for prompts about the picture that is set, in the prompts' order; of one prompt in the network's order. */
export function promptedMasks(predictor: SamPredictor, prompts: readonly SamPrompt[], choice: MaskChoice): FoundMask[] {
  const found: FoundMask[][] = prompts.map(() => []);
  for (const multimaskOutput of [true, false]) {
    const places = [...prompts.keys()].filter((place) => isMultimask(prompts[place]!, choice) === multimaskOutput);
    for (let start = 0; start < places.length; start += together) {
      const some = places.slice(start, start + together);
      const bestOnly = choice === "best";
      for (const mask of decode(predictor, prompts, some, { multimaskOutput, bestOnly }))
        found[mask.promptIndex!]!.push(mask);
    }
  }
  return found.flat();
}

function isMultimask({ pointCoords = [], box }: SamPrompt, choice: MaskChoice): boolean {
  if (choice === "best") return pointCoords.length === 1 && box === undefined;
  return choice === "multimask";
}

function decode(
  predictor: SamPredictor,
  prompts: readonly SamPrompt[],
  places: readonly number[],
  { multimaskOutput, bestOnly }: { readonly multimaskOutput: boolean; readonly bestOnly: boolean },
): FoundMask[] {
  return noGrad(() =>
    scope(() => {
      const asked = places.map((place) => prompts[place]!);
      const { lowResMasks, iouPredictions } = predictor.decode(asked, { multimaskOutput }); // [P, M, h, w], [P, M]
      const [, count] = iouPredictions.dims2("iouPredictions");
      const ious = iouPredictions.toNumbers();
      const wanted = places.map((_, p) => {
        const own = Array.from({ length: count }, (_, m) => m);
        return bestOnly ? [own.reduce((best, m) => (ious[p * count + m]! > ious[p * count + best]! ? m : best))] : own;
      });
      return places.flatMap((promptIndex, p) => {
        const rows = wanted[p]!.map((m) => lowResMasks.narrow(0, p, 1).narrow(1, m, 1)); // [1, 1, h, w] each
        const predicted = wanted[p]!.map((m) => ious[p * count + m]!);
        return masksOf(predictor, rows.length === 1 ? rows[0]! : cat(rows, { dim: 1 }), predicted).map((mask) => ({
          ...mask,
          prompt: prompts[promptIndex]!,
          promptIndex,
        }));
      });
    }),
  );
}

/** @param lowResMasks [1, M, h, w] logits */
function masksOf(
  predictor: SamPredictor,
  lowResMasks: Tensor,
  predicted: readonly number[],
): Omit<FoundMask, "prompt">[] {
  return scope(() => {
    const logits = predictor.upscale(lowResMasks).squeeze(0); // [M, H, W]
    const masks = logits.gt(stability.threshold);
    const boxes: Box[] = maskBoxes(masks);
    const scores = stabilityScore(logits, stability).toNumbers();
    return encodeMasks(masks).map((rle, m) => ({
      rle,
      bbox: toXywh(boxes[m]!),
      area: rleArea(rle),
      predictedIou: predicted[m]!,
      stabilityScore: scores[m]!,
    }));
  });
}
