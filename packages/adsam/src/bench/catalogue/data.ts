import type { CatalogueOptions, Comparison } from "./comparison.js";
import { bothSides, orderFor } from "./orders.js";

/** What stands before and behind a network: pictures read and made ready, predictions counted. Neither uses a GPU. */
export function dataComparisons(options: CatalogueOptions): Comparison[] {
  const onCpu: CatalogueOptions = { ...options, device: "cpu", dtype: "float32", batch: 1 };
  const size = options.quick ? { height: 128, width: 256 } : { height: 1024, width: 2048 };
  return [pictures(size, onCpu), metric(size, onCpu)];
}

type Size = { readonly height: number; readonly width: number };

function pictures(size: Size, options: CatalogueOptions): Comparison {
  const resized = options.quick ? 64 : 1024;
  const work = `a training picture and its label, ${size.width}×${size.height} PNG to ${resized}×${resized}, one worker a thread`;
  return {
    id: "pictures",
    group: "data",
    needs: "pictures",
    sides: bothSides("pillow", { ...orderFor("pictures", size, options), resized }),
    rows: [{ work, ours: "ours", peer: "pillow", target: 2 }],
    agreements: [
      {
        ours: "ours",
        peer: "pillow",
        rules: [
          {
            measure: "absolute",
            limit: 0.02,
            what: "picture and label, largest difference (one level of 255 is 0.017)",
          },
        ],
      },
    ],
  };
}

function metric(size: Size, options: CatalogueOptions): Comparison {
  return {
    id: "metric",
    group: "data",
    sides: bothSides("numpy", orderFor("metric", size, options)),
    rows: [
      {
        work: `evaluation metric, confusion matrix of ${size.width}×${size.height}`,
        ours: "ours",
        peer: "numpy",
        target: 3,
      },
    ],
    agreements: [
      { ours: "ours", peer: "numpy", rules: [{ measure: "absolute", limit: 0, what: "counts, largest difference" }] },
    ],
  };
}
