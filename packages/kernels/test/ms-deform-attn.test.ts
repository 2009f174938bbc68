import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, type Tensor, zeros } from "@adsam/torch";
import { msDeformAttn } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { msDeformAttnReference } from "../src/reference/ms-deform-attn.js";
import {
  assertClose,
  assertSameOnAnyThreads,
  checkGradients,
  filled,
  lowTolerance,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

interface Case {
  readonly batch: number;
  readonly heads: number;
  readonly dim: number;
  readonly shapes: readonly number[];
  readonly queries: number;
  readonly points: number;
}

const names = ["value", "samplingLocations", "attentionWeights"];

/** Value, locations (some outside every level), weights. */
function tensorsOf({ batch, heads, dim, shapes, queries, points }: Case): [Tensor, Tensor, Tensor] {
  let positions = 0;
  for (let i = 0; i < shapes.length; i += 2) positions += shapes[i]! * shapes[i + 1]!;
  const places = [batch, queries, heads, shapes.length / 2, points];
  return [
    filled("value", [batch, positions, heads, dim]),
    filled("locations", [...places, 2], { lo: -0.2, hi: 1.2 }),
    filled("weights", places, { lo: 0 }),
  ];
}

type Op = (value: Tensor, shapes: readonly number[], locations: Tensor, weights: Tensor) => Tensor;
const run =
  (op: Op, { shapes }: Case) =>
  (value: Tensor, locations: Tensor, weights: Tensor) =>
    op(value, shapes, locations, weights);
const composite: Op = (...args) => callKernel("_ms_deform_attn_composite", args) as Tensor;

const cases: Record<string, Case> = {
  "one of everything": { batch: 1, heads: 1, dim: 1, shapes: [1, 1], queries: 1, points: 1 },
  "two levels, odd sizes": { batch: 3, heads: 2, dim: 5, shapes: [7, 5, 3, 4], queries: 11, points: 3 },
  "the network's heads": { batch: 2, heads: 8, dim: 32, shapes: [8, 10, 4, 5, 2, 3], queries: 37, points: 4 },
};

for (const [name, one] of Object.entries(cases))
  test(`agrees with the reference in value and all gradients: ${name}`, () => {
    const tensors = tensorsOf(one);
    const expected = withGradients(run(msDeformAttnReference, one), tensors);
    const single = tensors.map((tensor) => tensor.to({ dtype: "float32" }));
    for (const [kind, op, given, tolerance] of [
      ["float64", msDeformAttn, tensors, 1e-12],
      ["composite", composite, tensors, 1e-12],
      ["float32", msDeformAttn, single, 1e-4],
    ] as const)
      for (const [i, found] of withGradients(run(op, one), given).entries())
        assertClose(found, expected[i]!, tolerance, `${kind} ${["output", ...names][i]}`);
  });

test("gradients in float64 are those of central differences", () => {
  const one: Case = { batch: 2, heads: 2, dim: 3, shapes: [4, 5, 2, 3], queries: 3, points: 2 };
  checkGradients(run(msDeformAttn, one), tensorsOf(one), names);
});

test("a query at the middle of a cell reads that cell", () => {
  const [height, width] = [3, 4];
  const value = filled("value", [1, height * width, 1, 2]);
  const locations = zeros([1, height * width, 1, 1, 1, 2], { dtype: "float64" });
  for (let i = 0; i < height * width; i++) {
    locations
      .select(1, i)
      .select(-1, 0)
      .fill_(((i % width) + 0.5) / width);
    locations
      .select(1, i)
      .select(-1, 1)
      .fill_((Math.floor(i / width) + 0.5) / height);
  }
  const output = msDeformAttn(value, [height, width], locations, filled("w", [1, 12, 1, 1, 1], { lo: 1, hi: 1 }));
  assertClose(output, value.squeeze(2), 1e-12, "output");
});

test("bfloat16 values are blended in float32 at float32 places; autocast does so", () => {
  const one = cases["the network's heads"]!;
  const [value, locations, weights] = tensorsOf(one).map((tensor) => tensor.to({ dtype: "float32" })) as [
    Tensor,
    Tensor,
    Tensor,
  ];
  const low = value.to({ dtype: "bfloat16" });
  const found = withGradients(run(msDeformAttn, one), [low, locations, weights]);
  assert.deepEqual(
    found.map((tensor) => tensor.dtype),
    ["bfloat16", "bfloat16", "float32", "float32"],
  );
  const exact = msDeformAttnReference(low.to({ dtype: "float32" }), one.shapes, locations, weights);
  assertClose(found[0]!, exact, lowTolerance(), "output");
  const cast = autocast({ device: testDevice(), dtype: "bfloat16" }, () =>
    msDeformAttn(value, one.shapes, locations, weights),
  );
  assert.equal(cast.dtype, "bfloat16");
  assertClose(cast, exact, lowTolerance(), "autocast");
});

test("the number of threads changes no bit", ofThreads(), () => {
  const one = cases["the network's heads"]!;
  const tensors = tensorsOf(one).map((tensor) => tensor.to({ dtype: "float32" }));
  assertSameOnAnyThreads(() => withGradients(run(msDeformAttn, one), tensors));
});

test("errors name the argument, what was found and what was expected", () => {
  const one: Case = { batch: 2, heads: 2, dim: 3, shapes: [4, 5, 2, 3], queries: 3, points: 2 };
  const [value, locations, weights] = tensorsOf(one);
  assert.throws(
    () => msDeformAttn(value, [4, 5, 3, 3], locations, weights),
    /ms_deform_attn value: found shape \[2, 26, 2, 3\], expected \[B, 29, nHeads, headDim\]/,
  );
  assert.throws(
    () => msDeformAttn(value, [4, 5, 2], locations, weights),
    /spatialShapes: found 3 numbers, expected height and width/,
  );
  assert.throws(
    () => msDeformAttn(value, one.shapes, locations.narrow(1, 0, 2), weights),
    /attentionWeights: found shape \[2, 3, 2, 2, 2\], expected \[2, 2, 2, 2, 2\]/,
  );
});
