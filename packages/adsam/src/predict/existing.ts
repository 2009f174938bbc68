import { Problem } from "@adsam/torch/problem";
import { isFile } from "../data/files.js";
import type { PredictionInput } from "./inputs.js";

/**
 * @param targets files that a run would write, absolute
 * @throws Problem where one of them is an input of the run, and, unless they may be replaced, where one is there already
 */
export async function refuseTargets(
  targets: readonly string[],
  inputs: readonly PredictionInput[],
  overwrite: boolean,
): Promise<void> {
  const own = new Set(inputs.map(({ file }) => file));
  const eaten = targets.find((target) => own.has(target));
  if (eaten !== undefined)
    throw new Problem({
      what: `output "${eaten}"`,
      found: "one of the inputs at that place",
      expected: "another file",
      todo: "Choose another --out.",
    });
  if (overwrite) return;
  const there: string[] = [];
  for (const target of targets) if (await isFile(target)) there.push(target);
  if (there.length === 0) return;
  const more = there.length === 1 ? "" : ` and ${there.length - 1} more`;
  throw new Problem({
    what: `output "${there[0]}"${more}`,
    found: "a file of that name",
    expected: "none",
    todo: "Choose another --out, or replace them with --overwrite.",
  });
}
