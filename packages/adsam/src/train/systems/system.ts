import type { EncoderUse, Segmenter } from "../../models/segmenter.js";
import type { Recipe } from "../recipe-schema.js";

export type Rates = Pick<Recipe["optim"], "lr" | "resnetLrFactor" | "encoderLrFactor" | "offsetLrFactor">;

/** A group of parameters that share a learning rate; its name stands in logs and checkpoints. */
export interface GroupRate {
  readonly name: string;
  readonly lr: number;
}

export interface BuildOptions {
  readonly numClasses: number;
  /** SAM's encoder as the recipe has it, for systems that use it. */
  readonly encoderUse: EncoderUse;
}

/** One system of the study: all that training knows of it beside the network and its own recipe (`own-recipes.ts`). */
export interface System {
  /** Builds the network with first weights; files are read by `loadWeights`. */
  build(recipe: Recipe, options: BuildOptions): Segmenter;
  /** Reads what the recipe names beside SAM's encoder. */
  loadWeights?(network: Segmenter, recipe: Recipe): void;
  /** Its groups in the order in which the optimiser, and so a checkpoint, holds them. */
  groups(rates: Rates): readonly GroupRate[];
  /** The name of the group, one of `groups`, to which a parameter belongs by its state-dict name. */
  groupOf(parameter: string, rates: Rates): string;
}
