import { test } from "node:test";
import { buildInfo } from "@adsam/torch";
import { onTestDevice } from "./helpers.js";

// Every test of the kernels, on the GPU where there is one: the same bodies, with tensors made there.
const files = [
  "deform-conv2d",
  "deform-conv2d-golden",
  "distance-transform",
  "lovasz-softmax",
  "ms-deform-attn",
  "conv3x3",
  "group-norm",
];

if (buildInfo().cuda)
  await onTestDevice("cuda", async () => {
    for (const file of files) await import(`./${file}.test.js`);
  });
else test("the tests of the kernels on a GPU", { skip: "this libtorch sees no GPU" }, () => {});
