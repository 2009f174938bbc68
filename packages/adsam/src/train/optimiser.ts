import { optim, type Tensor } from "@adsam/torch";
import type { Segmenter } from "../models/segmenter.js";
import { matricesOf } from "./matrices.js";
import type { Recipe } from "./recipe-schema.js";
import { systemOf } from "./systems/registry.js";
import type { GroupRate } from "./systems/system.js";

export type Optimiser = optim.AdamW | optim.Muon | optim.SGD;

interface NamedGroup extends GroupRate {
  readonly params: Tensor[];
}

type GroupRecipe = Pick<Recipe, "model" | "optim">;

/** Parameters that want gradients, in the groups of the recipe's system. */
function allGroups(network: Segmenter, recipe: GroupRecipe): NamedGroup[] {
  const system = systemOf(recipe);
  const groups = system.groups(recipe.optim).map((group): NamedGroup => ({ ...group, params: [] }));
  for (const [name, tensor] of network.namedParameters()) {
    if (!tensor.requiresGrad) continue;
    const wanted = system.groupOf(name, recipe.optim);
    const group = groups.find((one) => one.name === wanted);
    if (!group)
      throw new Error(`${recipe.model.name}: parameter ${name} is in group ${wanted}, which it does not have`);
    group.params.push(tensor);
  }
  return groups;
}

/** The groups that move: those with parameters and a learning rate above 0. */
export function parameterGroups(network: Segmenter, recipe: GroupRecipe): NamedGroup[] {
  return allGroups(network, recipe).filter((group) => group.params.length > 0 && group.lr > 0);
}

/** What has a learning rate of 0 wants no gradients: they would be computed for nothing. */
export function freezeUnmoved(network: Segmenter, recipe: GroupRecipe): void {
  for (const { lr, params } of allGroups(network, recipe))
    if (lr === 0) for (const param of params) param.requiresGrad = false;
}

export function buildOptimiser(network: Segmenter, recipe: Recipe): Optimiser {
  const groups = parameterGroups(network, recipe);
  const { name, lr, weightDecay, eps, momentum } = recipe.optim;
  const betas = [recipe.optim.betas[0], recipe.optim.betas[1]] as const;
  if (name === "sgd") return new optim.SGD(groups, { lr, weightDecay, momentum });
  if (name === "adamw") return new optim.AdamW(groups, { lr, weightDecay, betas, eps });
  return new optim.Muon(withMatrices(groups, network, recipe), { lr, weightDecay, betas, eps, momentum });
}

/** Each group in two: what Muon orthogonalises, with a rate of its own, and the rest. */
function withMatrices(groups: readonly NamedGroup[], network: Segmenter, { optim: { lr, matrixLr } }: Recipe) {
  const matrices = matricesOf(network);
  return groups.flatMap((group) => {
    const [own, rest] = [true, false].map((wanted) => group.params.filter((one) => matrices.has(one) === wanted));
    return [
      { ...group, params: rest! },
      { name: `${group.name}.matrices`, lr: (group.lr / lr) * matrixLr, params: own!, matrices: true },
    ].filter(({ params }) => params.length > 0);
  });
}

/**
 * The recipe's schedule over optimiser steps. Where it moves by epoch, the rate stays for all steps of one. A warm-up of n steps
 * multiplies it by 1/n, 2/n, … 1, so that the first step already moves; by step, the schedule itself begins after the warm-up.
 * A group whose peak lies beneath `minLr` stays at its peak. Where a run has minutes, it moves with the share of them that is over.
 * @returns the rate of a group from its peak rate, at a step, counted from 0, and at that share
 */
export function learningRate(
  recipe: Recipe,
  stepsPerEpoch: number,
): (step: number, peak: number, share?: number) => number {
  const { schedule, minLr, polyPower, warmupSteps, by } = recipe.optim;
  const { epochs, minutes } = recipe.train;
  const ofEpochs = by === "epoch" ? epochs : Math.max(1, epochs * stepsPerEpoch - warmupSteps);
  const steps = minutes !== null ? 1 : ofEpochs;
  const curve = (at: number, peak: number): number => {
    if (schedule === "cosine") return optim.cosine({ steps, minLr: Math.min(minLr, peak) })(at, peak);
    if (schedule === "poly") return optim.polynomial({ steps, power: polyPower })(at, peak);
    return peak;
  };
  return (step, peak, share = 0) => {
    const ofEpochs = by === "epoch" ? Math.floor(step / stepsPerEpoch) : Math.max(0, step - warmupSteps);
    const at = minutes !== null ? share : ofEpochs;
    return curve(at, peak) * Math.min(1, (step + 1) / Math.max(1, warmupSteps));
  };
}
