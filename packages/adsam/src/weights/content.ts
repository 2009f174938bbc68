import { CheckpointFile } from "@adsam/torch";
import { FileSource } from "@adsam/torch/io/byte-source";
import { recogniseFormat } from "@adsam/torch/io/content";
import { Problem } from "@adsam/torch/problem";
import { encoderConfigOf, encoderTitle, type Shapes } from "../models/published/encoder-config.js";
import type { Family, Part } from "../models/published/families.js";
import { recognisePublished } from "../models/published/recognise.js";
import { resnetTitle } from "../models/published/resnet-layout.js";
import { stateIn } from "../models/published/state-tree.js";
import { under } from "../models/published/under.js";

/**
 * What a file holds as far as it says so itself. `network`: tensors by the names of a network known here; `other`: a checkpoint of something
 * else; `unreadable`: it begins like a checkpoint and cannot be read as one; `none`: no checkpoint.
 */
export interface FileContent {
  readonly kind: "network" | "other" | "unreadable" | "none";
  /** Whose names the tensors bear; null but for `network`. */
  readonly family: Family | null;
  /** For `network` what it is: "Segment Anything (image encoder sam-vit-b, prompt encoder, mask decoder)". Otherwise what was found. */
  readonly text: string;
}

/** Looks at the names and shapes of a file's tensors. Their values are not read, and libtorch is not needed. */
export function contentOf(file: string): FileContent {
  const format = attempt(() => {
    const source = new FileSource(file);
    try {
      return recogniseFormat(source);
    } finally {
      source[Symbol.dispose]();
    }
  });
  if (format instanceof Problem) return { kind: "none", family: null, text: foundIn(format) };
  const opened = attempt(() => new CheckpointFile(file, { verify: false }));
  if (opened instanceof Problem) return { kind: "unreadable", family: null, text: foundIn(opened) };
  using checkpoint = opened;
  const network = attempt(() => networkIn(checkpoint));
  return network instanceof Problem ? { kind: "other", family: null, text: foundIn(network) } : network;
}

function networkIn({ tree, path }: CheckpointFile): FileContent {
  const what = `checkpoint "${path}"`;
  const state = stateIn(tree, what);
  const { family, title, names, parts } = recognisePublished(state.keys(), what);
  const tensors = new Map([...names].map(([name, there]) => [name, state.get(there)!]));
  const told = (["encoder", "sam", "resnet", "ad-sam", "deeplabv3"] as const)
    .filter((part) => parts.has(part))
    .map((part) => partText(part, under(tensors, parts.get(part)!)));
  return { kind: "network", family, text: `${title} (${told.join(", ")})` };
}

function partText(part: Part, shapes: Shapes): string {
  switch (part) {
    case "encoder": {
      const config = attempt(() => encoderConfigOf(shapes, "network"));
      return config instanceof Problem ? "an image encoder of unknown sizes" : `image encoder ${encoderTitle(config)}`;
    }
    case "sam":
      return "prompt encoder, mask decoder";
    case "resnet":
      return resnetTitle(shapes);
    case "ad-sam":
      return "decoder";
    case "deeplabv3":
      return "segmentation head";
  }
}

/** What the function returns, or the `Problem` that it met. */
function attempt<T>(look: () => T): T | Problem {
  try {
    return look();
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
}

function foundIn({ parts, message }: Problem): string {
  return parts.found ?? message;
}
