import { optim, type Tensor } from "@adsam/torch";
import type { AdSam } from "../models/ad-sam.js";
import type { Recipe } from "./recipe-schema.js";

export type Optimiser = optim.AdamW | optim.SGD;

/** Trained parameters in the recipe's groups: SAM's encoder (where trained), ResNet, and fusion with decoder. */
export function parameterGroups(
  network: AdSam,
  { lr, resnetLrFactor, encoderLrFactor }: Recipe["optim"],
): { name: string; lr: number; params: Tensor[] }[] {
  const groups = [
    { name: "decoder", lr, params: [] as Tensor[] },
    { name: "resnet", lr: lr * resnetLrFactor, params: [] as Tensor[] },
    { name: "encoder", lr: lr * encoderLrFactor, params: [] as Tensor[] },
  ];
  const [decoder, resnet, encoder] = groups;
  for (const [name, tensor] of network.namedParameters()) {
    if (!tensor.requiresGrad) continue;
    const group = name.startsWith("resnet_encoder.") ? resnet : name.startsWith("sam_encoder.") ? encoder : decoder;
    group!.params.push(tensor);
  }
  return groups.filter((group) => group.params.length > 0 && group.lr > 0);
}

export function buildOptimiser(network: AdSam, recipe: Recipe): Optimiser {
  const groups = parameterGroups(network, recipe.optim);
  const { name, lr, weightDecay, betas, eps, momentum } = recipe.optim;
  return name === "adamw"
    ? new optim.AdamW(groups, { lr, weightDecay, betas: [betas[0], betas[1]], eps })
    : new optim.SGD(groups, { lr, weightDecay, momentum });
}

/**
 * The recipe's schedule over optimiser steps: where it moves by epoch, the rate stays for all steps of one.
 * @returns the rate of a group at a step, from its peak rate
 */
export function learningRate(recipe: Recipe, stepsPerEpoch: number): (step: number, peak: number) => number {
  const { schedule, minLr, polyPower, warmupSteps, by } = recipe.optim;
  const { epochs } = recipe.train;
  const total = by === "epoch" ? epochs : Math.max(1, epochs * stepsPerEpoch - warmupSteps);
  const curve: optim.Schedule =
    schedule === "cosine"
      ? optim.cosine({ steps: total, minLr })
      : schedule === "poly"
        ? optim.polynomial({ steps: total, power: polyPower })
        : optim.constant();
  return (step, peak) => {
    // The first step already moves: step 0 of a warm-up of n has 1/n of the rate.
    if (step < warmupSteps) return (peak * (step + 1)) / warmupSteps;
    return curve(by === "epoch" ? Math.floor(step / stepsPerEpoch) : step - warmupSteps, Math.max(peak, minLr));
  };
}
