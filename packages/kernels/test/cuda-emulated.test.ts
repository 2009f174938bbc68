import assert from "node:assert/strict";
import { test } from "node:test";
import type { Dtype, Tensor } from "@adsam/torch";
import { ones, zeros } from "@adsam/torch";
import { deformConv2dArguments } from "../src/deform-conv2d.js";
import { callKernel } from "../src/library.js";
import { type DeformCase, deformTensors } from "./deform-tensors.js";
import { distanceMasks } from "./distance-masks.js";
import { callEmulated, whyNotEmulated } from "./emulated.js";
import { assertClose, filled, filledIntegers } from "./helpers.js";

// The kernels written for GPUs, run by the CPU, against the CPU's own. What no such run can see: races between blocks, and speed.
const skip = whyNotEmulated() ?? false;

const deformCases: Record<string, DeformCase> = {
  "one of everything": { input: [1, 1, 1, 1], out: 1, kernel: [1, 1] },
  "three pictures, not square, channels no vector divides": { input: [3, 6, 7, 5], out: 4, kernel: [3, 3], padding: 1 },
  "vectors of channels, more than a warp": { input: [2, 264, 5, 6], out: 3, kernel: [2, 3], padding: [0, 1] },
  "sizes differ by axis": {
    input: [2, 8, 9, 14],
    out: 5,
    kernel: [3, 2],
    stride: [2, 1],
    padding: [1, 0],
    dilation: [1, 2],
  },
  "groups across offset groups": {
    input: [2, 24, 9, 8],
    out: 6,
    kernel: [3, 3],
    padding: 2,
    groups: 3,
    offsetGroups: 2,
  },
  "vectors in groups": { input: [2, 32, 6, 7], out: 8, kernel: [3, 3], padding: 1, groups: 2, offsetGroups: 4 },
  "one column wide": { input: [2, 4, 11, 1], out: 5, kernel: [3, 1], padding: [2, 0], stride: [3, 1] },
};

/** Those of `deformTensors` in `dtype`, and the output's cotangent. */
function deformTensorsOf(one: DeformCase, dtype: Dtype): Tensor[] {
  const tensors = deformTensors(one);
  const [b, , outH, outW] = tensors[2]!.dims4("offset");
  return [...tensors, filled("cotangent", [b, one.out, outH, outW])].map((tensor) => tensor.to({ dtype }));
}

/** Output and the gradients of input, weight, offset, mask, bias. */
function deformBy(
  call: typeof callKernel,
  one: DeformCase,
  tensors: readonly Tensor[],
  wanted = [true, true, true, true, true],
) {
  const [input, weight, offset, mask, bias, cotangent] = tensors as Tensor[];
  const sizes = deformConv2dArguments(input!, weight!, offset!, one).slice(5);
  const output = call("deform_conv2d", [input, weight, offset, mask, bias, ...sizes]) as Tensor;
  const back = [cotangent, input, weight, offset, mask, ...sizes, mask ? wanted : wanted.with(3, false)];
  return [output, ...(call("_deform_conv2d_backward", back) as (Tensor | undefined)[])];
}

function assertAllClose(
  found: readonly (Tensor | undefined)[],
  expected: readonly (Tensor | undefined)[],
  tolerance: number,
  what: string,
) {
  assert.equal(found.length, expected.length);
  for (const [i, tensor] of found.entries()) {
    assert.equal(tensor === undefined, expected[i] === undefined, `${what} ${i}`);
    if (!tensor) continue;
    assert.deepEqual([tensor.dtype, tensor.shape], [expected[i]!.dtype, expected[i]!.shape], `${what} ${i}`);
    assertClose(tensor, expected[i]!, tolerance, `${what} ${i}`);
  }
}

for (const [name, one] of Object.entries(deformCases))
  test(`deformable convolution: ${name}`, { skip }, () => {
    for (const [dtype, tolerance] of [
      ["float64", 1e-12],
      ["float32", 2e-5],
      ["bfloat16", 2 ** -6],
    ] as const) {
      const tensors = deformTensorsOf(one, dtype);
      const given =
        dtype === "bfloat16"
          ? tensors.map((tensor, i) => (i === 2 || i === 3 ? tensor.to({ dtype: "float32" }) : tensor))
          : tensors;
      assertAllClose(deformBy(callEmulated, one, given), deformBy(callKernel, one, given), tolerance, dtype);
    }
    const plain = deformTensorsOf(one, "float64").map((tensor, i) =>
      i === 3 || i === 4 ? undefined : tensor,
    ) as Tensor[];
    assertAllClose(deformBy(callEmulated, one, plain), deformBy(callKernel, one, plain), 1e-12, "no mask, no bias");
  });

test("deformable convolution: channels-last throughout, and maps that are slices of one", { skip }, () => {
  const one = { ...deformCases["vectors in groups"]!, groups: 1, offsetGroups: 1 };
  const [input, weight, offset, mask, bias, cotangent] = deformTensorsOf(one, "float32") as Tensor[];
  const last = (tensor: Tensor) => tensor.contiguous({ memoryFormat: "channels_last" });
  const both = last(together(offset!, mask!));
  const given = [last(input!), last(weight!), both.narrow(1, 0, 18), both.narrow(1, 18, 9), bias!, last(cotangent!)];
  const expected = deformBy(callKernel, one, [input!, weight!, offset!, mask!, bias!, cotangent!]);
  const found = deformBy(callEmulated, one, given);
  assertAllClose(found, expected, 2e-5, "result");
  assert.equal(found[0]!.strides[1], 1);
  assert.equal(found[1]!.strides[1], 1);
});

/** [B, maps of both, H, W] */
function together(offset: Tensor, mask: Tensor): Tensor {
  const [b, maps, h, w] = offset.dims4("offset");
  const all = zeros([b, maps + mask.shape[1]!, h, w], { dtype: offset.dtype });
  all.narrow(1, 0, maps).copy_(offset);
  all.narrow(1, maps, mask.shape[1]!).copy_(mask);
  return all;
}

test("deformable convolution: only what is wanted, and a place that is not a number", { skip }, () => {
  const one = deformCases["three pictures, not square, channels no vector divides"]!;
  const tensors = deformTensorsOf(one, "float64");
  const all = deformBy(callKernel, one, tensors);
  for (let only = 0; only < 5; only++) {
    const wanted = [0, 1, 2, 3, 4].map((i) => i === only);
    const found = deformBy(callEmulated, one, tensors, wanted);
    assertAllClose(
      found,
      all.map((tensor, i) => (i === 0 || i === only + 1 ? tensor : undefined)),
      1e-12,
      `only ${only}`,
    );
  }
  tensors[2]!.select(0, 1).select(0, 3).fill_(Number.NaN);
  const [found, expected] = [deformBy(callEmulated, one, tensors), deformBy(callKernel, one, tensors)];
  for (const i of [0, 2]) // the output, and the gradient of the weight
    assert.deepEqual(found[i]!.isnan().toArray(), expected[i]!.isnan().toArray(), `NaN in ${i}`);
});

const attentionCases = {
  "one of everything": { batch: 1, heads: 1, dim: 1, shapes: [1, 1], queries: 1, points: 1 },
  "two levels, odd sizes": { batch: 3, heads: 2, dim: 5, shapes: [7, 5, 3, 4], queries: 11, points: 3 },
  "the network's heads": { batch: 2, heads: 8, dim: 32, shapes: [8, 10, 4, 5, 2, 3], queries: 13, points: 4 },
  "a head longer than a warp's vectors": { batch: 1, heads: 2, dim: 264, shapes: [3, 4], queries: 3, points: 2 },
};

for (const [name, { batch, heads, dim, shapes, queries, points }] of Object.entries(attentionCases))
  test(`deformable attention: ${name}`, { skip }, () => {
    const levels = shapes.length / 2;
    const positions = Array.from({ length: levels }, (_, l) => shapes[2 * l]! * shapes[2 * l + 1]!).reduce(
      (a, b) => a + b,
    );
    const places = [batch, queries, heads, levels, points];
    for (const [dtype, tolerance] of [
      ["float64", 1e-12],
      ["float32", 1e-5],
      ["bfloat16", 2 ** -6],
    ] as const) {
      const value = filled("value", [batch, positions, heads, dim], { dtype });
      const placeType = dtype === "bfloat16" ? "float32" : dtype;
      const locations = filled("locations", [...places, 2], { lo: -0.2, hi: 1.2, dtype: placeType });
      const weights = filled("weights", places, { lo: 0, dtype: placeType });
      const cotangent = filled("cotangent", [batch, queries, heads * dim], { dtype });
      const both = (call: typeof callKernel) => [
        call("ms_deform_attn", [value, shapes, locations, weights]) as Tensor,
        ...(call("_ms_deform_attn_backward", [
          cotangent,
          value,
          shapes,
          locations,
          weights,
          [true, true, true],
        ]) as Tensor[]),
      ];
      assertAllClose(both(callEmulated), both(callKernel), tolerance, dtype);
    }
  });

for (const [b, c, h, w] of [
  [1, 1, 1, 1],
  [3, 5, 7, 11],
  [2, 19, 33, 20],
] as const)
  for (const perImage of [true, false])
    test(`Lovász-softmax: [${[b, c, h, w]}], ${perImage ? "a picture" : "the batch"} at once`, { skip }, () => {
      const logits = filled("logits", [b, c, h, w], { lo: -3, hi: 3 });
      const classes = filledIntegers("labels", [b, h, w], Math.max(1, c - 1));
      const labels = classes.maskedFill(filled("ignored", [b, h, w], { lo: 0 }).lt(0.2), 255);
      if (b > 1) labels.select(0, 1).fill_(255);
      for (const [dtype, tolerance] of [
        ["float64", 1e-12],
        ["float32", 1e-6],
      ] as const) {
        const probabilities = logits.softmax(1).to({ dtype });
        for (const given of [labels, labels.to({ dtype: "uint8" })]) {
          const by = (call: typeof callKernel) =>
            call("_lovasz_softmax_with_gradient", [probabilities, given, 255, perImage, true]) as Tensor[];
          assertAllClose(by(callEmulated), by(callKernel), tolerance, dtype);
        }
      }
    });

test("Lovász-softmax: errors of 0 and ties weigh as on the CPU, a wrong label is refused", { skip }, () => {
  const labels = filledIntegers("labels", [2, 6, 5], 2);
  const right = labels.oneHot({ numClasses: 2 }).permute([0, 3, 1, 2]).to({ dtype: "float32" });
  const by = (call: typeof callKernel, given: Tensor, classes = labels) =>
    call("_lovasz_softmax_with_gradient", [given, classes, 255, true, true]) as Tensor[];
  assert.equal(by(callEmulated, right)[0]!.item(), 0);
  for (const given of [right, right.flip([1]), right.mul(0).add(0.5)])
    assertAllClose(by(callEmulated, given), by(callKernel, given), 1e-6, "hard");
  assert.throws(
    () => by(callEmulated, right, labels.add(1)),
    /check on the device failed: label >= 0 && label < unit.classes/,
  );
});

test("distance transform: the same bits", { skip }, () => {
  for (const mask of distanceMasks()) {
    const found = callEmulated("distance_transform", [mask]) as Tensor;
    assert.deepEqual(
      found.toArray(),
      (callKernel("distance_transform", [mask]) as Tensor).toArray(),
      `[${mask.shape}]`,
    );
  }
});

test("distance transform: a zero in any row and column is seen from everywhere", { skip }, () => {
  const [height, width] = [37, 35]; // rows fill no whole number of segments, columns no whole strip
  for (let row = 0; row < height; row += 3) {
    const mask = ones([height, width], { dtype: "uint8" });
    mask
      .select(0, row)
      .select(0, (row * 5) % width)
      .zero_();
    const found = callEmulated("distance_transform", [mask]) as Tensor;
    assert.deepEqual(found.toArray(), (callKernel("distance_transform", [mask]) as Tensor).toArray(), `row ${row}`);
  }
});
