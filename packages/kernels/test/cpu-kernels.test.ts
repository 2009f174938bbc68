import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import { type CpuKernels, cpuKernels } from "../src/index.js";

const order: readonly CpuKernels[] = ["baseline", "avx2", "avx512", "avx512_bf16"];

/** Whose bfloat16 products have instructions of their own beyond AVX-512. */
const withPairs = ["rel-pos-attention", "token-linear"];
const all = [
  "activation",
  "confusion-matrix",
  "conv3x3",
  "deform-conv2d",
  "dense-crf",
  "distance-transform",
  "group-norm",
  "hybrid-loss",
  "label-map",
  "lovasz-softmax",
  "matmul",
  "max-pool",
  "ms-deform-attn",
  "resize-bilinear",
  ...withPairs,
];

/** The tests of the kernels with narrower ones than this processor has, in a process of their own: the choice is made once. */
for (const narrower of ["baseline", "avx2", "avx512"] as const)
  test(`the ${narrower} kernels pass the tests of the widest`, async (context) => {
    const widest = cpuKernels();
    if (order.indexOf(widest) <= order.indexOf(narrower)) return context.skip(`the widest here is ${widest}`);
    const files = narrower === "avx512" ? withPairs : all;
    const imports = files.map(
      (file) => `await import(${JSON.stringify(new URL(`${file}.test.js`, import.meta.url))});`,
    );
    const asked = `const { cpuKernels } = await import(${JSON.stringify(new URL("../src/index.js", import.meta.url))});`;
    const script = `${asked} if (cpuKernels() !== "${narrower}") throw new Error(cpuKernels()); ${imports.join(" ")}`;
    const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
    const env = { ...rest, ADSAM_CPU_KERNELS: narrower };
    const child = promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], {
      env,
      maxBuffer: 2 ** 26,
    });
    const { stdout } = await child.catch((error: { stdout: string }) => {
      const failed = error.stdout.split("\n").filter((line) => line.includes("not ok"));
      return assert.fail(`${failed.length} failed: ${failed.join("; ")}`);
    });
    assert.match(stdout, /^# fail 0$/m);
  });

test("a name that is none is refused, with those that this processor has", async () => {
  const script = `const { cpuKernels } = await import(${JSON.stringify(new URL("../src/index.js", import.meta.url))}); cpuKernels();`;
  const env = { ...process.env, ADSAM_CPU_KERNELS: "sse9" };
  await assert.rejects(
    promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script], { env }),
    /environment variable ADSAM_CPU_KERNELS: found sse9, expected one that this processor has: .*baseline/,
  );
});
