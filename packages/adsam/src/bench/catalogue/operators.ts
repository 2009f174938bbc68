import type { CatalogueOptions, Comparison } from "./comparison.js";
import { bothSides, dtypeText, orderFor, sizeText, squareOrder } from "./orders.js";

/** The parts of AD-SAM by themselves: deformable convolution, the hybrid loss, the backbone. */
export function operatorComparisons(options: CatalogueOptions): Comparison[] {
  const sizes = options.sizes ?? [options.quick ? 64 : 1024];
  return [
    deformConv([512, 128], options.quick ? 16 : 128, options),
    deformConv([128, 64], options.quick ? 16 : 256, options),
    deformConvForward(options),
    ...sizes.map((size) => hybridLoss(size, options)),
    backbone(options),
  ];
}

function deformConv(channels: readonly [number, number], size: number, options: CatalogueOptions): Comparison {
  const work = `modulated deformable convolution, ${channels.join("→")} at ${sizeText(size, options)}`;
  const order = { ...squareOrder("deform-conv", size, options), dtype: "float32" as const, channels, backward: true };
  return {
    id: `deform-conv-${channels.join("-")}`,
    group: "operators",
    sides: bothSides("pytorch", order),
    rows: [
      { work: `${work}, forward`, ours: "ours", peer: "pytorch", phase: "forward", target: 10 },
      { work: `${work}, backward`, ours: "ours", peer: "pytorch", phase: "backward", target: 25 },
    ],
    agreements: [
      {
        ours: "ours",
        peer: "pytorch",
        rules: [{ measure: "relative L2", limit: 1e-4, what: "result and five gradients, relative L2" }],
      },
    ],
  };
}

function deformConvForward(options: CatalogueOptions): Comparison {
  const size = options.quick ? 16 : 128;
  const order = {
    ...squareOrder("deform-conv", size, options),
    dtype: "float32" as const,
    channels: [64, 64] as const,
  };
  const work = `modulated deformable convolution, 64→64 at ${sizeText(size, options)}, forward`;
  return {
    id: "deform-conv-64-64",
    group: "operators",
    needs: "onnx-deform-conv",
    sides: bothSides("onnxruntime", order),
    rows: [{ work, ours: "ours", peer: "onnxruntime", phase: "forward", target: 1.5 }],
    agreements: [
      {
        ours: "ours",
        peer: "onnxruntime",
        rules: [{ measure: "largest", limit: 1e-4, what: "result, largest difference" }],
      },
    ],
  };
}

function hybridLoss(size: number, options: CatalogueOptions): Comparison {
  const wanted = size === 1024;
  const work = `hybrid loss, forward and backward, 19×${sizeText(size, options)}`;
  const order = { ...squareOrder("hybrid-loss", size, options), dtype: "float32" as const };
  return {
    id: `hybrid-loss-${size}`,
    group: "operators",
    sides: bothSides("pytorch", order),
    rows: [
      { work, ours: "ours", peer: "pytorch", ...(wanted && { target: 10 }), memory: wanted ? { target: 0.5 } : {} },
    ],
    agreements: [
      {
        ours: "ours",
        peer: "pytorch",
        rules: [{ measure: "relative L2", limit: 1e-3, what: "gradient to the logits, relative L2" }],
      },
    ],
  };
}

function backbone(options: CatalogueOptions): Comparison {
  const [height, width] = options.quick ? [64, 128] : [512, 1024];
  const work = `ResNet-50 backbone, forward and backward, ${height}×${width}${options.batch > 1 ? `, batch ${options.batch}` : ""}${dtypeText(options)}`;
  return {
    id: "backbone",
    group: "operators",
    sides: bothSides("pytorch", orderFor("backbone", { height, width }, options)),
    rows: [{ work, ours: "ours", peer: "pytorch", target: 1.3, memory: {} }],
    agreements: [
      {
        ours: "ours",
        peer: "pytorch",
        rules: [{ measure: "numbers", limit: options.dtype === "bfloat16" ? 0.1 : 1e-3, what: "gradient norms" }],
      },
    ],
  };
}
