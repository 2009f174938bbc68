import { type Command, InvalidArgumentError } from "commander";
import type { Refinement } from "../evaluate/refine/options.js";

export interface RefineFlags {
  readonly ttaMirror?: true;
  readonly ttaScales?: readonly number[];
  readonly crf?: true;
}

/** What `eval` and `predict` may do beside one look of the network at each picture. */
export function addRefineOptions(command: Command): void {
  command
    .option("--tta-mirror", "the network also looks at each mirror image; probabilities are averaged")
    .option("--tta-scales <list>", "it looks at these shares of its input size, such as 0.75,1,1.25", numbers)
    .option(
      "--crf",
      "a dense CRF over the probabilities and the picture's colours, with AD-SAM's authors' parameters, 10 iterations among them",
    );
}

/** @returns undefined where none of it was asked for */
export async function refinementOf({ ttaMirror, ttaScales, crf }: RefineFlags): Promise<Refinement | undefined> {
  if (!ttaMirror && !ttaScales && !crf) return undefined;
  return {
    ...(ttaMirror && { mirror: true }),
    ...(ttaScales && { scales: ttaScales }),
    ...(crf && { crf: (await import("@adsam/kernels")).authorsDenseCrf }),
  };
}

function numbers(text: string): number[] {
  const found = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (found.every(Number.isFinite)) return found;
  throw new InvalidArgumentError("expected numbers with commas between them, such as 0.75,1,1.25");
}
