import { decoderFields, type OwnRecipe } from "./own-recipe.js";

/** The baseline learns as AD-SAM does; it has SAM's encoder and nothing beside it. */
export const samRecipe: OwnRecipe = {
  title: "SAM, the paper's baseline",
  defaults: {},
  unused: ["model.resnet", "model.resnetWeights", "model.frozenBatchNorm", ...decoderFields, "optim.resnetLrFactor"],
  *refusals({ encoder }) {
    if (encoder === "none")
      yield { field: "model.encoder", found: "no encoder", expected: "one", todo: "Name a SAM encoder." };
  },
};
