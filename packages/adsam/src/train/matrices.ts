import type { Tensor } from "@adsam/torch";
import type { Segmenter } from "../models/segmenter.js";
import { isOffset } from "./systems/sam-groups.js";

/**
 * Multiplications of one product of Newton–Schulz's, the shorter side squared times the longer, above which a weight goes by AdamW: ResNet's
 * layer4 is beyond it. Taking that in, in blocks of 128 rows, cost 13 % of the step's time on two cores and gained nothing (docs/results.md).
 */
const mostMultiplications = 4e8;

/**
 * The weights that Muon orthogonalises: those that take many channels to many. Not tables, which are added and not multiplied; not the last
 * layer, whose rows are classes; not offsets, whose unit is a pixel; not depthwise filters, each a map of one channel.
 */
export function matricesOf(network: Segmenter): ReadonlySet<Tensor> {
  const { numClasses } = network.config;
  const matrices = new Set<Tensor>();
  for (const [name, tensor] of network.namedParameters()) {
    if (tensor.shape.length < 2 || !name.endsWith(".weight") || isOffset(name)) continue;
    const rows = tensor.size(0);
    const columns = tensor.numel / rows;
    const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
    if (rows === numClasses || tensor.size(1) === 1 || short * short * long > mostMultiplications) continue;
    matrices.add(tensor);
  }
  return matrices;
}
