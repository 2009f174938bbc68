import { tinyEncoder } from "../order.js";
import type { CatalogueOptions, Comparison, RowPlan } from "./comparison.js";
import { sizeText, squareOrder } from "./orders.js";

/** SAM's image encoders at 1024×1024, the size they were made for; in a quick look a tiny one stands for each. */
export function encoderComparisons(options: CatalogueOptions): Comparison[] {
  return [vitB(options), vitH(options), mobileSam(options)];
}

const sideOf = ({ quick }: CatalogueOptions): number => (quick ? tinyEncoder.imageSize : 1024);

function vitB(options: CatalogueOptions): Comparison {
  const side = sideOf(options);
  const order = { ...squareOrder("sam-encoder", side, options), encoder: options.quick ? "tiny" : "sam-vit-b" };
  const work = `${options.quick ? "tiny encoder" : "SAM ViT-B encoder"}, ${sizeText(side, options)}`;
  const [exact, low] = [
    { ...order, dtype: "float32" as const },
    { ...order, dtype: "bfloat16" as const },
  ];
  const rows: RowPlan[] = [
    { work: `${work}, float32`, ours: "float32", peer: "pytorch", target: 4, memory: {} },
    { work: `${work}, float32`, ours: "float32", peer: "onnxruntime", target: 1.3 },
    { work: `${work}, bfloat16 against float32`, ours: "bfloat16", peer: "onnxruntime", target: 2.5 },
  ];
  return {
    id: "sam-vit-b",
    group: "encoders",
    needs: "onnx-encoder",
    sides: {
      float32: { who: "ours", order: exact },
      bfloat16: { who: "ours", order: low },
      pytorch: { who: "pytorch", order: exact },
      onnxruntime: { who: "onnxruntime", order: exact },
    },
    rows,
    agreements: [
      { ours: "float32", peer: "pytorch", rules: [exactEmbedding] },
      { ours: "float32", peer: "onnxruntime", rules: [exactEmbedding] },
      { ours: "bfloat16", peer: "onnxruntime", rules: [lowEmbedding] },
    ],
  };
}

function vitH(options: CatalogueOptions): Comparison {
  const side = sideOf(options);
  const order = { ...squareOrder("sam-encoder", side, options), encoder: options.quick ? "tiny" : "sam-vit-h" };
  const work = `${options.quick ? "tiny encoder" : "SAM ViT-H encoder"}, ${sizeText(side, options)}`;
  const [exact, low] = [
    { ...order, dtype: "float32" as const },
    { ...order, dtype: "bfloat16" as const },
  ];
  return {
    id: "sam-vit-h",
    group: "encoders",
    sides: {
      float32: { who: "ours", order: exact },
      bfloat16: { who: "ours", order: low },
      pytorch: { who: "pytorch", order: exact },
    },
    rows: [
      { work: `${work}, float32`, ours: "float32", peer: "pytorch", target: 4, memory: {} },
      { work: `${work}, bfloat16 against float32`, ours: "bfloat16", peer: "pytorch", target: 8 },
    ],
    agreements: [
      { ours: "float32", peer: "pytorch", rules: [exactEmbedding] },
      { ours: "bfloat16", peer: "pytorch", rules: [lowEmbedding] },
    ],
  };
}

function mobileSam(options: CatalogueOptions): Comparison {
  const side = options.quick ? 64 : 1024;
  const order = { ...squareOrder("sam-encoder", side, options), encoder: "mobile-sam" };
  return {
    id: "mobile-sam",
    group: "encoders",
    sides: { ours: { who: "ours", order } },
    rows: [{ work: `MobileSAM encoder, ${sizeText(side, options)}`, ours: "ours", memory: {} }],
    agreements: [],
  };
}

const exactEmbedding = { measure: "relative L2", limit: 1e-4, what: "embedding, relative L2" } as const;
const lowEmbedding = { measure: "relative L2", limit: 0.01, what: "embedding, relative L2" } as const;
