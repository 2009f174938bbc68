import type { Recipe } from "../recipe-schema.js";

/** What a recipe knows of its system before anything is built. No engine is loaded for it. */
export interface OwnRecipe {
  /** As tables and messages call the system. */
  readonly title: string;
  /** Field path → value: what the system's recipe has where it differs from AD-SAM's. A recipe that names the system begins with it. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** Fields that do nothing for it, by path; setting one to anything but its default is refused. */
  readonly unused: readonly string[];
  /** What `model.encoder: auto` stands for on every device; left out, the device decides. */
  readonly usualEncoder?: string;
  /** ResNet → the published file that `model.resnetWeights: auto` stands for; of a ResNet that is not named there is none. */
  readonly usualResnetWeights?: Readonly<Record<string, string>>;
  /** Why an embedding of SAM's that was computed before cannot stand in for its encoder, where it cannot. */
  readonly whyNotStored?: string;
  /** Values that the schema allows and this system does not. */
  refusals?(model: Recipe["model"]): Iterable<Refusal>;
}

export interface Refusal {
  readonly field: string;
  readonly found: string;
  readonly expected: string;
  readonly todo: string;
}

/** Fields of AD-SAM's fusion and decoder alone. */
export const decoderFields = [
  "model.decoder",
  "model.deformable",
  "model.channelAttention",
  "model.fusionDim",
  "model.decoderDims",
  "model.attentionHeads",
  "model.attentionPoints",
  "model.norm",
  "model.feedForwardFactor",
  "optim.offsetLrFactor",
];
