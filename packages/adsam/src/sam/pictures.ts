import path from "node:path";
import { Problem } from "@adsam/torch/problem";
import { findInputs, type PredictionInput } from "../predict/inputs.js";
import { isOwnOutput } from "./outputs.js";

/**
 * The pictures that the words of a command line name.
 * @param words files, folders, or patterns: see `findInputs`
 * @param out what an earlier run left there is no input
 * @throws Problem for a word that names nothing, and for videos
 */
export async function findPictures(words: readonly string[], out: string): Promise<PredictionInput[]> {
  const named = new Set(words.map((word) => path.resolve(word)));
  const below = path.resolve(out) + path.sep;
  const inputs = (await findInputs(words, out)).filter(
    ({ file }) => named.has(file) || !(file.startsWith(below) && isOwnOutput(file)),
  );
  if (inputs.length === 0)
    throw new Problem({ what: "inputs", found: `only results of an earlier run in "${out}"`, expected: "pictures" });
  const video = inputs.find(({ kind }) => kind === "video");
  if (video)
    throw new Problem({
      what: `input "${video.file}"`,
      found: "a video",
      expected: "pictures",
      todo: "Take its frames out first: ffmpeg -i VIDEO frames/%06d.png.",
    });
  return inputs;
}
