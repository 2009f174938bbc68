import type { OwnRecipe } from "./own-recipe.js";

/** The recipe's defaults are AD-SAM's. Its authors begin with torchvision's default weights of ResNet-50, which are those of ImageNet V2. */
export const adSamRecipe: OwnRecipe = {
  title: "AD-SAM",
  usualResnetWeights: {
    resnet18: "resnet18",
    resnet34: "resnet34",
    resnet50: "resnet50-v2",
    resnet101: "resnet101-v2",
  },
  defaults: {},
  unused: [],
};
