import { test } from "node:test";
import { buildInfo } from "@adsam/torch";
import { onTestDevice } from "./helpers.js";

// The tests of every operator that serves a GPU, on the GPU where there is one: the same bodies, with tensors made there. The hybrid loss in
// one operator, layers over tokens, the dense CRF and the matrix products (and which kernels a CPU has) are the CPU's alone.
const files = [
  "activation",
  "confusion-matrix",
  "conv3x3",
  "deform-conv2d",
  "deform-conv2d-golden",
  "distance-transform",
  "group-norm",
  "label-map",
  "lovasz-softmax",
  "max-pool",
  "ms-deform-attn",
  "rel-pos-attention",
  "resize-bilinear",
];

// Convolutions of float32 are held to float32's digits: cuDNN would round their factors to ten bits. Read as NVIDIA's libraries begin.
process.env.NVIDIA_TF32_OVERRIDE = "0";

if (buildInfo().cuda)
  await onTestDevice("cuda", async () => {
    for (const file of files) await import(`./${file}.test.js`);
  });
else test("the tests of the kernels on a GPU", { skip: "this libtorch sees no GPU" }, () => {});
