import type { CatalogueOptions, Comparison } from "./comparison.js";
import { bothSides, dtypeText, sizeText, squareOrder } from "./orders.js";

/** Evaluation forward and training step at each size. Targets are those of 1024×1024. */
export function adSamComparisons(options: CatalogueOptions): Comparison[] {
  const sizes = options.sizes ?? (options.quick ? [64] : [512, 1024]);
  return sizes.flatMap((size) => [forward(size, options), step(size, options)]);
}

function forward(size: number, options: CatalogueOptions): Comparison {
  const wanted = size === 1024;
  const low = options.dtype === "bfloat16"; // logits then differ by what bfloat16 leaves
  return {
    id: `ad-sam-forward-${size}`,
    group: "ad-sam",
    sides: bothSides("pytorch", squareOrder("ad-sam-forward", size, options)),
    rows: [
      {
        work: `AD-SAM evaluation forward, ${sizeText(size, options)}${dtypeText(options)}`,
        ours: "ours",
        peer: "pytorch",
        ...(wanted && { target: 7 }),
        memory: {},
      },
    ],
    agreements: [
      {
        ours: "ours",
        peer: "pytorch",
        rules: [
          low
            ? { measure: "relative L2", limit: 0.05, what: "logits, relative L2" }
            : { measure: "largest", limit: 1e-4, what: "logits, largest difference" },
        ],
      },
    ],
  };
}

function step(size: number, options: CatalogueOptions): Comparison {
  const wanted = size === 1024;
  return {
    id: `ad-sam-step-${size}`,
    group: "ad-sam",
    sides: bothSides("pytorch", squareOrder("ad-sam-step", size, options)),
    rows: [
      {
        work: `AD-SAM training step, ${sizeText(size, options)}${dtypeText(options)}`,
        ours: "ours",
        peer: "pytorch",
        ...(wanted && { target: 12 }),
        memory: wanted ? { target: 0.75 } : {},
      },
    ],
    agreements: [
      {
        ours: "ours",
        peer: "pytorch",
        rules: [{ measure: "numbers", limit: options.dtype === "bfloat16" ? 0.1 : 1e-3, what: "gradient norms" }],
      },
    ],
  };
}
