import type { AgreementRule } from "../agreement.js";
import type { CatalogueOptions, Comparison } from "./comparison.js";
import { bothSides, dtypeText, sizeText, squareOrder } from "./orders.js";

/** What a pass of AD-SAM is held to. */
interface Pass {
  readonly name: "ad-sam-forward" | "ad-sam-step";
  readonly title: string;
  /** At 1024×1024. */
  readonly target: number;
  readonly memory: { readonly target?: number };
  readonly rule: AgreementRule;
}

/** Evaluation forward and training step at each size. */
export function adSamComparisons(options: CatalogueOptions): Comparison[] {
  const low = options.dtype === "bfloat16"; // what then differs is what bfloat16 leaves
  const forward: Pass = {
    name: "ad-sam-forward",
    title: "AD-SAM evaluation forward",
    target: 7,
    memory: {},
    rule: low
      ? { measure: "relative L2", limit: 0.05, what: "logits, relative L2" }
      : { measure: "largest", limit: 1e-4, what: "logits, largest difference" },
  };
  const step: Pass = {
    name: "ad-sam-step",
    title: "AD-SAM training step",
    target: 12,
    memory: { target: 0.75 },
    rule: { measure: "numbers", limit: low ? 0.1 : 1e-3, what: "gradient norms" },
  };
  const sizes = options.sizes ?? (options.quick ? [64] : [512, 1024]);
  return sizes.flatMap((size) => [forward, step].map((pass) => comparison(pass, size, options)));
}

function comparison({ name, title, target, memory, rule }: Pass, size: number, options: CatalogueOptions): Comparison {
  const wanted = size === 1024;
  return {
    id: `${name}-${size}`,
    group: "ad-sam",
    sides: bothSides("pytorch", squareOrder(name, size, options)),
    rows: [
      {
        work: `${title}, ${sizeText(size, options)}${dtypeText(options)}`,
        ours: "ours",
        peer: "pytorch",
        ...(wanted && { target }),
        memory: wanted ? memory : {},
      },
    ],
    agreements: [{ ours: "ours", peer: "pytorch", rules: [rule] }],
  };
}
