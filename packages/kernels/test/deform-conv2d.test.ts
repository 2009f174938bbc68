import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, cat, grad, noGrad, numThreads, ones, setNumThreads, type Tensor, zeros } from "@adsam/torch";
import { deformConv2dArguments } from "../src/deform-conv2d.js";
import { cpuKernels, type DeformConv2dOptions, deformConv2d } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { deformConv2dReference } from "../src/reference/deform-conv2d.js";
import { type DeformCase, deformNames, deformTensors } from "./deform-tensors.js";
import {
  assertClose,
  assertDifferentiableOnce,
  assertSameOnAnyThreads,
  checkGradients,
  cpuOnly,
  distance,
  filled,
  lowTolerance,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

const run =
  (op: typeof deformConv2d, options: DeformConv2dOptions) =>
  (input: Tensor, weight: Tensor, offset: Tensor, mask?: Tensor, bias?: Tensor) =>
    op(input, weight, offset, { ...options, mask: mask ?? null, bias: bias ?? null });

/** Whether a kernel of this project serves the test's device, not plain operators. */
const isFused = () => testDevice() === "cpu" || (callKernel("_has_cuda_kernels", []) as boolean);

const composite: typeof deformConv2d = (input, weight, offset, options = {}) =>
  callKernel("_deform_conv2d_composite", deformConv2dArguments(input, weight, offset, options)) as Tensor;

const cases: Record<string, DeformCase> = {
  "one of everything": { input: [1, 1, 1, 1], out: 1, kernel: [1, 1] },
  "three pictures, not square": { input: [3, 6, 7, 5], out: 4, kernel: [3, 3], padding: 1 },
  "kernel, stride, padding and dilation differ by axis": {
    ...{ input: [2, 5, 9, 14], out: 3, kernel: [3, 2], stride: [2, 1], padding: [1, 0], dilation: [1, 2] },
  },
  "one column wide": { input: [2, 3, 11, 1], out: 5, kernel: [3, 1], padding: [2, 0], stride: [3, 1] },
  "groups across offset groups": {
    input: [2, 12, 9, 14],
    out: 6,
    kernel: [3, 3],
    padding: 2,
    groups: 3,
    offsetGroups: 2,
  },
  "a group a channel": { input: [1, 8, 6, 7], out: 8, kernel: [3, 3], padding: 1, groups: 8, offsetGroups: 4 },
  "several tiles, channels past a vector": { input: [2, 33, 37, 41], out: 7, kernel: [3, 3], padding: 1 },
  "channels past a chunk, in two convolution and three offset groups": {
    ...{ input: [1, 606, 5, 6], out: 4, kernel: [3, 2], padding: [1, 0], groups: 2, offsetGroups: 3 },
  },
};

for (const [name, one] of Object.entries(cases))
  test(`agrees with the reference in value and all gradients: ${name}`, () => {
    const tensors = deformTensors(one);
    for (const given of [tensors, tensors.slice(0, 3)]) {
      const expected = withGradients(run(deformConv2dReference, one), given);
      for (const [kind, op, tolerance] of [
        ["float64", deformConv2d, 1e-12],
        ["composite", composite, 1e-12],
      ] as const)
        for (const [i, found] of withGradients(run(op, one), given).entries())
          assertClose(found, expected[i]!, tolerance, `${kind} ${["output", ...deformNames][i]}`);
      const single = given.map((tensor) => tensor.to({ dtype: "float32" }));
      for (const [i, found] of withGradients(run(deformConv2d, one), single).entries())
        assertClose(found, expected[i]!, 1e-4, `float32 ${["output", ...deformNames][i]}`);
    }
  });

/** Runs on one instruction set and goes back to the widest; undefined where this CPU has not got it. */
function withSet<R>(set: string, call: () => R): R | undefined {
  try {
    if (callKernel("_deform_conv2d_instruction_set", [set]) !== set) return undefined;
  } catch {
    return undefined;
  }
  try {
    return call();
  } finally {
    callKernel("_deform_conv2d_instruction_set", [""]);
  }
}

const sets = cpuOnly("instruction sets are the CPU's");

test(
  "every instruction set gives the same numbers, and the one in use is the one chosen for all kernels",
  sets,
  (context) => {
    const inUse = callKernel("_deform_conv2d_instruction_set", [""]);
    const found: string[] = [];
    for (const channels of [1, 7, 16, 45]) {
      const one: DeformCase = { input: [1, channels, 12, 19], out: channels, kernel: [3, 3], padding: 1 };
      const tensors = deformTensors(one);
      const expected = withGradients(run(deformConv2dReference, one), tensors);
      const single = tensors.map((tensor) => tensor.to({ dtype: "float32" }));
      for (const set of ["baseline", "avx2", "avx512", "avx512_bf16"])
        withSet(set, () => {
          found.push(set);
          for (const [given, tolerance] of [
            [tensors, 1e-12],
            [single, 1e-4],
          ] as const)
            for (const [i, tensor] of withGradients(run(deformConv2d, one), given).entries())
              assertClose(
                tensor,
                expected[i]!,
                tolerance,
                `${set}, ${channels} channels: ${["output", ...deformNames][i]}`,
              );
        });
    }
    assert.ok(found.includes("baseline"));
    assert.equal(inUse, cpuKernels());
    if (process.env.ADSAM_CPU_KERNELS === undefined) assert.equal(inUse, found.at(-1));
    context.diagnostic(`${[...new Set(found)].join(", ")}; in use: ${inUse}`);
  },
);

test("gradients wanted one by one are those wanted together", () => {
  const one: DeformCase = { input: [2, 20, 9, 7], out: 6, kernel: [3, 3], padding: 1 };
  const tensors = deformTensors(one);
  const together = withGradients(run(deformConv2d, one), tensors);
  for (const wanted of [[0], [1], [2], [3], [4], [0, 1], [0, 2], [1, 2, 3], [0, 3]]) {
    const leaves = tensors.map((tensor, i) => tensor.detach().clone().requiresGrad_(wanted.includes(i)));
    const output = run(deformConv2d, one)(...(leaves as [Tensor, Tensor, Tensor]));
    const asked = wanted.map((i) => leaves[i]!);
    for (const [i, found] of grad([output], asked, { cotangents: [filled("cotangent", output.shape)] }).entries())
      assertClose(found!, together[wanted[i]! + 1]!, 1e-13, `gradient of ${deformNames[wanted[i]!]} of ${wanted}`);
  }
});

test("offset and mask may be channels of one tensor in either layout, and their gradients follow it", () => {
  const one: DeformCase = { input: [2, 18, 13, 21], out: 5, kernel: [3, 3], padding: 1 };
  const [input, weight, offset, mask, bias] = deformTensors(one) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const expected = withGradients(run(deformConv2dReference, one), [input, weight, offset, mask, bias]);
  for (const memoryFormat of ["contiguous", "channels_last"] as const) {
    const both = cat([offset, mask], { dim: 1 }).contiguous({ memoryFormat });
    const parts = [both.narrow(1, 0, 18), both.narrow(1, 18, 9)].map((part) => part.detach().requiresGrad_());
    const output = run(deformConv2d, one)(input, weight, parts[0]!, parts[1]!, bias);
    // A cotangent that is one number seen everywhere, and one in the other layout: neither may be taken for dense.
    const cotangent = filled("cotangent", output.shape).contiguous({ memoryFormat: "channels_last" });
    const gradients = grad([output], parts, { cotangents: [cotangent] });
    assertClose(output, expected[0]!, 1e-12, "output");
    for (const [i, found] of gradients.entries()) {
      assertClose(found!, expected[3 + i]!, 1e-12, `${memoryFormat} gradient of ${deformNames[2 + i]}`);
      if (isFused()) assert.equal(found!.strides[1], memoryFormat === "contiguous" ? 13 * 21 : 1);
    }
  }
  const leaf = offset.detach().requiresGrad_();
  const expanded = grad([run(deformConv2d, one)(input, weight, leaf, mask, bias).sum()], [leaf]);
  const plain = grad([run(deformConv2dReference, one)(input, weight, leaf, mask, bias).sum()], [leaf]);
  assertClose(expanded[0]!, plain[0]!, 1e-12, "gradient of offset from a sum");
});

test("places far from home send their gradients there, whoever owns the row", () => {
  // Many threads on few rows: strips of two rows whose taps read all over the picture, and beyond.
  const one: DeformCase = { input: [3, 5, 16, 9], out: 4, kernel: [3, 3], padding: 1 };
  const [input, weight, offset, ...rest] = deformTensors(one);
  for (const reach of [0.5, 6, 40]) {
    const tensors = [input!, weight!, offset!.mul(reach / 4), ...rest];
    const expected = withGradients(run(deformConv2dReference, one), tensors);
    const before = numThreads();
    try {
      for (const threads of testDevice() === "cpu" ? [1, 2, 4, 16] : [1]) {
        setNumThreads(threads);
        for (const [i, found] of withGradients(run(deformConv2d, one), tensors).entries())
          assertClose(
            found,
            expected[i]!,
            1e-12,
            `${threads} threads, reach ${reach}: ${["output", ...deformNames][i]}`,
          );
      }
    } finally {
      setNumThreads(before);
    }
  }
});

/** A place on a pixel's border has no derivative: the fractional part is kept away from 0 and 1. */
const offBorders = (offset: Tensor) => offset.floor().add(filled("fraction", offset.shape, { lo: 0.1, hi: 0.9 }));

test("gradients in float64 are those of central differences", () => {
  const one: DeformCase = {
    input: [2, 4, 4, 5],
    out: 4,
    kernel: [2, 3],
    padding: [1, 2],
    stride: [2, 1],
    groups: 2,
    offsetGroups: 2,
  };
  const [input, weight, offset, ...rest] = deformTensors(one);
  checkGradients(run(deformConv2d, one), [input!, weight!, offBorders(offset!), ...rest], deformNames);
});

test("zero offsets and a mask of ones are a convolution", () => {
  for (const groups of [1, 2]) {
    const input = filled("input", [3, 4, 9, 12], { dtype: "float32" });
    const weight = filled("weight", [6, 4 / groups, 3, 3], { dtype: "float32" });
    const bias = filled("bias", [6], { dtype: "float32" });
    const sizes = { stride: [2, 1] as const, padding: [1, 2] as const, dilation: [1, 2] as const, groups };
    const expected = input.conv2d(weight, { ...sizes, bias });
    const [, , outH, outW] = expected.dims4("expected");
    const offset = zeros([3, 18, outH, outW]);
    for (const mask of [null, ones([3, 9, outH, outW])])
      assertClose(deformConv2d(input, weight, offset, { ...sizes, bias, mask }), expected, 1e-5, "output");
  }
});

test("whole offsets read whole pixels", () => {
  const input = filled("input", [1, 2, 5, 6]);
  const offset = zeros([1, 2, 5, 6], { dtype: "float64" });
  offset.select(1, 0).fill_(1); // one row down
  offset.select(1, 1).fill_(-2); // two columns left
  const weight = filled("weight", [1, 2, 1, 1]);
  const moved = input.slice({ dim: 2, start: 1 }).slice({ dim: 3, end: 4 }).pad([2, 0, 0, 1]);
  assertClose(deformConv2d(input, weight, offset), moved.conv2d(weight), 1e-14, "output");
});

test("a channels-last input gives the same numbers in its own layout", () => {
  const one: DeformCase = { input: [2, 6, 7, 5], out: 4, kernel: [3, 3], padding: 1 };
  const [input, ...rest] = deformTensors(one) as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const last = input.contiguous({ memoryFormat: "channels_last" });
  const [plain, found] = [run(deformConv2d, one)(input, ...rest), run(deformConv2d, one)(last, ...rest)];
  assert.equal(distance(found, plain) < 1e-14, true);
  assert.deepEqual([plain.strides[1], found.strides[1]], [35, 1]);
});

test("bfloat16 is computed in float32 and rounded once", () => {
  const one: DeformCase = { input: [2, 24, 9, 11], out: 5, kernel: [3, 3], padding: 1 };
  const low = deformTensors(one).map((tensor, i) => (i === 2 ? offBorders(tensor) : tensor).to({ dtype: "bfloat16" }));
  const exact = withGradients(
    run(deformConv2dReference, one),
    low.map((tensor) => tensor.to({ dtype: "float64" })),
  );
  for (const [i, found] of withGradients(run(deformConv2d, one), low).entries()) {
    assert.equal(found.dtype, "bfloat16");
    assertClose(found, exact[i]!, lowTolerance(), ["output", ...deformNames][i]!);
  }
});

test("autocast lowers pictures and weights, takes float32 places, and gives gradients in each input's dtype", () => {
  const one: DeformCase = { input: [1, 4, 6, 5], out: 3, kernel: [3, 3], padding: 1 };
  const leaves = deformTensors(one).map((tensor) => tensor.to({ dtype: "float32" }).requiresGrad_());
  const [input, weight, offset, mask, bias] = leaves as [Tensor, Tensor, Tensor, Tensor, Tensor];
  const output = autocast({ device: testDevice(), dtype: "bfloat16" }, () =>
    run(deformConv2d, one)(input, weight, offset, mask, bias),
  );
  assert.equal(output.dtype, "bfloat16");
  for (const gradient of grad([output.sum()], leaves)) assert.equal(gradient!.dtype, "float32");
});

test("without a graph the values are the same, and an empty batch is an empty result", () => {
  const one: DeformCase = { input: [2, 3, 6, 5], out: 3, kernel: [3, 3], padding: 1 };
  const tensors = deformTensors(one) as [Tensor, Tensor, Tensor];
  tensors[1].requiresGrad_();
  const quiet = noGrad(() => run(deformConv2d, one)(...tensors));
  assert.equal(quiet.requiresGrad, false);
  assert.equal(distance(quiet, run(deformConv2d, one)(...tensors)), 0);
  assert.deepEqual(deformConv2d(zeros([0, 3, 6, 5]), zeros([4, 3, 1, 1]), zeros([0, 2, 6, 5])).shape, [0, 4, 6, 5]);
});

test("the number of threads changes no bit of the output, and gradients by their last digits", ofThreads(), () => {
  const one: DeformCase = { input: [2, 40, 33, 29], out: 12, kernel: [3, 3], padding: 1, groups: 2, offsetGroups: 2 };
  const tensors = deformTensors(one).map((tensor) => tensor.to({ dtype: "float32" }));
  assertSameOnAnyThreads(() => [noGrad(() => run(deformConv2d, one)(...(tensors as [Tensor, Tensor, Tensor])))]);
  // A gradient is the sum of as many parts as there are threads, always added in the same order.
  assertSameOnAnyThreads(() => withGradients(run(deformConv2d, one), tensors), 2e-6);
  const [once, again] = [
    withGradients(run(deformConv2d, one), tensors),
    withGradients(run(deformConv2d, one), tensors),
  ];
  for (const [i, tensor] of once.entries()) assert.deepEqual(again[i]!.toArray(), tensor.toArray(), `result ${i}`);
});

test("a place that is not a number shows in the result", () => {
  const offset = zeros([1, 2, 2, 2]);
  offset.select(1, 0).fill_(Number.NaN);
  const output = deformConv2d(ones([1, 1, 2, 2]), ones([1, 1, 1, 1]), offset);
  assert.ok(output.toNumbers().every(Number.isNaN));
});

test("a place that is not a number or infinite shows in its own position alone, and infinities outside nowhere", () => {
  const input = ones([1, 20, 3, 4]).mul(Number.POSITIVE_INFINITY);
  const offset = zeros([1, 2, 3, 4]);
  offset.select(1, 0).fill_(50); // all places outside, one infinitely far, one nowhere
  offset.select(1, 1).select(1, 1).select(1, 2).fill_(Number.POSITIVE_INFINITY);
  offset.select(1, 0).select(1, 2).select(1, 0).fill_(Number.NaN);
  const numbers = deformConv2d(input, ones([1, 20, 1, 1]), offset).toNumbers();
  for (const [i, number] of numbers.entries())
    assert.equal(number, i === 6 || i === 8 ? Number.NaN : 0, `position ${i}`);
});

test("errors name the argument, what was found, what was expected and what to do", () => {
  const input = zeros([2, 4, 6, 5]);
  const weight = zeros([3, 4, 3, 3]);
  const offset = zeros([2, 18, 6, 5]);
  const says = (text: string, call: () => unknown) =>
    assert.throws(call, (error: Error) => {
      assert.ok(error.message.includes(text), error.message);
      return true;
    });
  says(
    "deform_conv2d offset: found shape [2, 18, 6, 5], expected [2, 18, 4, 3] [B, 2*offsetGroups*kH*kW, outH, outW]. " +
      "The layer that predicts it needs the same stride, padding and dilation, and two channels a tap.",
    () => deformConv2d(input, weight, offset),
  );
  says("deform_conv2d weight: found shape [3, 5, 3, 3], expected [O, 4, kH, kW]", () =>
    deformConv2d(input, zeros([3, 5, 3, 3]), offset, { padding: 1 }),
  );
  says("deform_conv2d mask: found shape [2, 18, 6, 5], expected [2, 9, 6, 5]", () =>
    deformConv2d(input, weight, offset, { padding: 1, mask: offset }),
  );
  says("deform_conv2d bias: found shape [4], expected [3]", () =>
    deformConv2d(input, weight, offset, { padding: 1, bias: zeros([4]) }),
  );
  says("deform_conv2d groups: found 3, expected a divisor of 4 input and 3 output channels", () =>
    deformConv2d(input, weight, offset, { padding: 1, groups: 3 }),
  );
  says("deform_conv2d input height: found 6 with padding 0, expected at least 9, the reach of the kernel", () =>
    deformConv2d(input, weight, offset, { dilation: 4 }),
  );
  says("deform_conv2d weight: found dtype Double, expected Float, the dtype of input", () =>
    deformConv2d(input, weight.to({ dtype: "float64" }), offset, { padding: 1 }),
  );
  const given = filled("input", [2, 4, 6, 5], { dtype: "float32" });
  assertDifferentiableOnce("deform_conv2d", (leaf) => deformConv2d(leaf, weight, offset, { padding: 1 }), given);
});
