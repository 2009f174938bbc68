import type { AutomaticMaskOptions } from "../models/sam/automatic/options.js";
import type { PromptList } from "./prompts.js";

/** How masks are written: as pictures, as COCO's run lengths, over the picture. */
export const formats = ["png", "rle", "overlay"] as const;
export type MaskFormat = (typeof formats)[number];

/**
 * Which masks a prompt gets. `best`: one, as SAM's demonstration gives it: of a lone point, which leaves open what is meant, the best of three
 * by the network's own prediction, of any other prompt the single mask. `multimask`: three for every prompt. `single`: the single one for
 * every prompt.
 */
export type MaskChoice = "best" | "multimask" | "single";

/** What is asked of the pictures: prompts, or everything that can be found. */
export type SamQuestion =
  | { readonly prompts: PromptList; readonly choice: MaskChoice }
  | { readonly everything: Omit<AutomaticMaskOptions, "outputMode"> };
