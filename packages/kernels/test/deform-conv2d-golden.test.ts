import assert from "node:assert/strict";
import { test } from "node:test";
import type { Tensor } from "@adsam/torch";
import { deformConv2d } from "../src/index.js";
import { filled, readGolden, withGradients } from "./helpers.js";

interface Summary {
  readonly shape: readonly number[];
  readonly mean: number;
  readonly std: number;
  readonly absmax: number;
  readonly samples: readonly (readonly [number, number])[];
}

interface Golden {
  readonly inputs: Record<string, { shape: readonly number[]; lo?: number; hi?: number }>;
  readonly output: Summary;
  readonly grads: Record<string, Summary>;
}

/** The tensor has the shape, statistics and sampled elements of the summary, to 1e-5 of its greatest element. */
function assertMatches(found: Tensor, golden: Summary, what: string): void {
  assert.deepEqual([...found.shape], golden.shape, what);
  const numbers = found.toNumbers();
  const mean = numbers.reduce((a, b) => a + b, 0) / numbers.length;
  const std = Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / numbers.length);
  const tolerance = 1e-5 * Math.max(1, golden.absmax);
  const near = (a: number, b: number, part: string) =>
    assert.ok(Math.abs(a - b) <= tolerance, `${what} ${part}: ${a}, expected ${b}`);
  near(mean, golden.mean, "mean");
  near(std, golden.std, "std");
  near(
    numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0),
    golden.absmax,
    "absmax",
  );
  for (const [index, value] of golden.samples) near(numbers[index]!, value, `element ${index}`);
}

// Recorded from torchvision 0.14 (float32, CPU). Inputs are lo + (hi − lo)·u("input:name", i); the weight is scaled to
// (2u − 1)·√(3·O/n), the bias to 0.1·(2u − 1), both under their own names; the cotangent is 2u("input:cotangent", i) − 1.
test("output and five gradients are torchvision's", () => {
  const { inputs, output, grads } = readGolden<Golden>("deform-conv2d.json");
  const input = (name: string) => {
    const { shape, lo, hi } = inputs[name]!;
    return filled(`input:${name}`, shape, { lo: lo!, hi: hi! });
  };
  const [o, c, kH, kW] = inputs.weight!.shape as [number, number, number, number];
  const bound = Math.sqrt(3 / (c * kH * kW));
  const tensors = [
    input("x"),
    filled("weight", [o, c, kH, kW], { lo: -bound, hi: bound }),
    input("offset"),
    input("mask"),
    filled("bias", [o], { lo: -0.1, hi: 0.1 }),
  ].map((tensor) => tensor.to({ dtype: "float32" }));
  const found = withGradients(
    (x, weight, offset, mask, bias) => deformConv2d(x!, weight!, offset!, { mask: mask!, bias: bias!, padding: 1 }),
    tensors,
    "input:cotangent",
  );
  assertMatches(found[0]!, output, "output");
  for (const [i, name] of ["x", "weight", "offset", "mask", "bias"].entries())
    assertMatches(found[i + 1]!, grads[name]!, `gradient of ${name}`);
});
