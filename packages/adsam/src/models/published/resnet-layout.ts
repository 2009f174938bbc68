import type { Shapes } from "./encoder-config.js";

/** Torchvision's ResNets by kind of block and number of blocks a stage. */
const known: Readonly<Record<string, string>> = {
  "basic 2 2 2 2": "ResNet-18",
  "basic 3 4 6 3": "ResNet-34",
  "bottleneck 3 4 6 3": "ResNet-50",
  "bottleneck 3 4 23 3": "ResNet-101",
  "bottleneck 3 8 36 3": "ResNet-152",
};

/** Which ResNet the names are of: "ResNet-50", or its blocks where it has no name. */
export function resnetTitle(shapes: Shapes): string {
  const names = [...shapes.keys()];
  const blocks = [1, 2, 3, 4].map((stage) => {
    const found = names.map((name) => new RegExp(`^layer${stage}\\.(\\d+)\\.`).exec(name)?.[1]);
    return new Set(found.filter((block) => block !== undefined)).size;
  });
  const layout = `${shapes.has("layer1.0.conv3.weight") ? "bottleneck" : "basic"} ${blocks.join(" ")}`;
  return known[layout] ?? `a ResNet of ${layout} blocks`;
}
