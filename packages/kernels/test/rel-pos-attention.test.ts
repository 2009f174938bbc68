import assert from "node:assert/strict";
import { test } from "node:test";
import { autocast, type Size, type Tensor, withDevice, zeros } from "@adsam/torch";
import { relPosAttention } from "../src/index.js";
import { callKernel } from "../src/library.js";
import { relPosAttentionReference } from "../src/reference/rel-pos-attention.js";
import {
  assertClose,
  assertSameOnAnyThreads,
  checkGradients,
  cpuOnly,
  filled,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

interface Case {
  readonly batch: number;
  readonly map: Size;
  readonly window: Size;
  readonly heads: number;
  readonly dim: number;
}

const names = ["qkv", "relPosH", "relPosW", "outside"];

function tensorsOf({ batch, map, window, heads, dim }: Case): [Tensor, Tensor, Tensor, Tensor] {
  const channels = 3 * heads * dim;
  return [
    filled("qkv", [batch, map.height, map.width, channels], { lo: -2, hi: 2 }),
    filled("rows", [2 * window.height - 1, dim]),
    filled("columns", [2 * window.width - 1, dim]),
    filled("outside", [channels]),
  ];
}

/** Without `outside` where no window reaches beyond the map: nothing depends on it there. */
function differentiable(one: Case): Tensor[] {
  const beyond = one.map.height % one.window.height > 0 || one.map.width % one.window.width > 0;
  return tensorsOf(one).slice(0, beyond ? 4 : 3);
}

type Op = typeof relPosAttention;
const run =
  (op: Op, { heads, window }: Case) =>
  (qkv: Tensor, relPosH: Tensor, relPosW: Tensor, outside?: Tensor) =>
    op(qkv, relPosH, relPosW, { numHeads: heads, window, outside });
const composite: Op = (qkv, rows, columns, { numHeads, window, outside }) =>
  callKernel("_rel_pos_attention_composite", [
    qkv,
    rows,
    columns,
    outside,
    numHeads,
    [window.height, window.width],
  ]) as Tensor;

const whole = (height: number, width: number) => ({ map: { height, width }, window: { height, width } });
const cases: Record<string, Case> = {
  "one of everything": { batch: 1, ...whole(1, 1), heads: 1, dim: 1 },
  "windows that divide the map": {
    batch: 2,
    map: { height: 4, width: 6 },
    window: { height: 2, width: 3 },
    heads: 2,
    dim: 4,
  },
  "windows beyond the right and lower edge, odd head": {
    batch: 2,
    map: { height: 5, width: 7 },
    window: { height: 3, width: 4 },
    heads: 3,
    dim: 5,
  },
  "a window larger than the map": {
    batch: 1,
    map: { height: 2, width: 3 },
    window: { height: 5, width: 4 },
    heads: 1,
    dim: 3,
  },
  "the whole of a map that is not square": { batch: 2, ...whole(5, 4), heads: 2, dim: 3 },
};
/** Sizes that fill tiles and blocks: several blocks of keys, tiles of queries across rows, heads of SAM's ViT-B and ViT-H. */
const large: Record<string, Case> = {
  "the whole map, blocks of rows": { batch: 1, ...whole(20, 33), heads: 2, dim: 64 },
  "SAM's windows": {
    batch: 2,
    map: { height: 16, width: 30 },
    window: { height: 14, width: 14 },
    heads: 2,
    dim: 80,
  },
  "rows longer than a block": { batch: 1, ...whole(2, 301), heads: 1, dim: 17 },
  "an odd number of keys": { batch: 1, ...whole(15, 17), heads: 1, dim: 33 },
};

const single = (tensors: readonly Tensor[]) =>
  tensors.map((tensor) => tensor.to({ dtype: "float32" })) as [Tensor, Tensor, Tensor, Tensor];

for (const [name, one] of Object.entries(cases))
  test(`agrees with the reference, gradients included: ${name}`, () => {
    const inputs = differentiable(one);
    const expected = withGradients(run(relPosAttentionReference, one), inputs);
    for (const [op, tolerance, given] of [
      [relPosAttention, 1e-12, inputs],
      [composite, 1e-12, inputs],
      [relPosAttention, 3e-6, inputs.map((tensor) => tensor.to({ dtype: "float32" }))],
    ] as const)
      for (const [i, tensor] of withGradients(run(op, one), given).entries())
        assertClose(tensor, expected[i]!, tolerance, i === 0 ? "output" : `gradient of ${names[i - 1]}`);
  });

test("float64 gradients are those of central differences", () => {
  for (const name of ["windows beyond the right and lower edge, odd head", "the whole of a map that is not square"]) {
    const one = { ...cases[name]!, batch: 1 };
    checkGradients(run(relPosAttention, one), differentiable(one), names);
  }
});

for (const [name, one] of Object.entries(large))
  test(`large enough for several tiles: ${name}`, () => {
    const inputs = tensorsOf(one);
    const expected = run(composite, one)(...inputs);
    const fused = testDevice() === "cpu"; // plain operators, which serve a GPU, round logits and weights between them
    assertClose(run(relPosAttention, one)(...single(inputs)), expected, 1e-5, "float32");
    const low = inputs.map((tensor) => tensor.to({ dtype: "bfloat16" })) as [Tensor, Tensor, Tensor, Tensor];
    const result = run(relPosAttention, one)(...low);
    assert.equal(result.dtype, "bfloat16");
    // Against what exact sums of the same rounded numbers give.
    const rounded = low.map((tensor) => tensor.to({ dtype: "float64" })) as [Tensor, Tensor, Tensor, Tensor];
    assertClose(result, run(composite, one)(...rounded), fused ? 0.015 : 0.12, "bfloat16");
    const half = inputs.map((tensor) => tensor.to({ dtype: "float16" })) as [Tensor, Tensor, Tensor, Tensor];
    assertClose(run(relPosAttention, one)(...half), expected, fused ? 4e-3 : 0.015, "float16");
  });

const bits = cpuOnly("a GPU's matrix products may sum a batch in another order");

test("one head and several, one picture and several: the same bits in each", bits, () => {
  const one = large["SAM's windows"]!;
  const [qkv, ...rest] = single(tensorsOf(one));
  const both = run(relPosAttention, one)(qkv!, ...(rest as [Tensor, Tensor, Tensor]));
  for (const picture of [0, 1]) {
    const alone = run(relPosAttention, one)(qkv!.narrow(0, picture, 1), ...(rest as [Tensor, Tensor, Tensor]));
    assert.deepEqual(alone.toArray(), both.narrow(0, picture, 1).toArray());
  }
});

test("bits do not depend on the number of threads", ofThreads(), () => {
  for (const one of Object.values(large))
    assertSameOnAnyThreads(() => [run(relPosAttention, one)(...single(tensorsOf(one)))]);
});

test("places beyond the map are attended to", () => {
  const one = cases["a window larger than the map"]!;
  const [qkv, rows, columns, outside] = tensorsOf(one);
  const options = { numHeads: one.heads, window: one.window };
  const given = relPosAttention(qkv, rows, columns, { ...options, outside });
  const none = relPosAttention(qkv, rows, columns, options);
  const zero = relPosAttention(qkv, rows, columns, { ...options, outside: zeros([9], { dtype: "float64" }) });
  assertClose(none, zero, 0, "zeros by default");
  assert.ok(given.sub(none).abs().max().item() > 0.01);
});

test("equal logits give the mean of all values", () => {
  const flat = zeros([1, 6, 5, 3 * 4], { dtype: "float32" });
  const values = filled("values", [1, 6, 5, 4], { dtype: "float32" });
  flat.narrow(3, 8, 4).copy_(values);
  const tables = [zeros([11, 4]), zeros([9, 4])] as const;
  const result = relPosAttention(flat, ...tables, { numHeads: 1, window: { height: 6, width: 5 } });
  assertClose(result, values.mean([1, 2], { keepdim: true }).expand([1, 6, 5, 4]), 1e-6, "mean");
});

test("logits of any size, and numbers that are none", () => {
  const one: Case = { batch: 1, ...whole(4, 9), heads: 1, dim: 8 };
  const [qkv, rows, columns] = single(tensorsOf(one));
  const loud = qkv.mul(300);
  const options = { numHeads: 1, window: one.window };
  const expected = relPosAttentionReference(
    loud.to({ dtype: "float64" }),
    rows.to({ dtype: "float64" }),
    columns.to({ dtype: "float64" }),
    options,
  );
  assertClose(relPosAttention(loud, rows, columns, options), expected, 2e-2, "logits of ten thousands");
  loud.narrow(1, 2, 1).narrow(2, 3, 1).narrow(3, 0, 8).fill_(Number.NaN); // one query
  const result = relPosAttention(loud, rows, columns, options).isnan().sum([3]).gt(0);
  assert.equal(result.sum().item(), 1);
  assert.ok(result.select(1, 2).select(1, 3).item());
});

test("autocast computes in bfloat16, meta gives shapes", () => {
  const one = cases["windows that divide the map"]!;
  const inputs = single(tensorsOf(one));
  const low = autocast({ device: testDevice(), dtype: "bfloat16" }, () => run(relPosAttention, one)(...inputs));
  assert.equal(low.dtype, "bfloat16");
  assertClose(low, run(relPosAttention, one)(...inputs), 0.02, "autocast");
  const shape = withDevice("meta", () => {
    const [qkv, rows, columns] = [zeros([2, 5, 7, 18]), zeros([5, 3]), zeros([7, 3])];
    return relPosAttention(qkv, rows, columns, { numHeads: 2, window: { height: 3, width: 4 } }).shape;
  });
  assert.deepEqual(shape, [2, 5, 7, 6]);
});

test("arguments that do not fit are named", () => {
  const one = cases["windows that divide the map"]!;
  const [qkv, rows, columns, outside] = tensorsOf(one);
  const options = { numHeads: one.heads, window: one.window, outside };
  const call = (change: object, tables: [Tensor, Tensor] = [rows, columns]) =>
    relPosAttention(qkv, ...tables, { ...options, ...change });
  assert.throws(() => call({ numHeads: 5 }), /num_heads: found 5, expected a number that divides a third of qkv's 24/);
  assert.throws(() => call({}, [columns, columns]), /rel_pos_h: found shape \[5, 4\], expected \[3, 4\]/);
  assert.throws(() => call({}, [rows, rows]), /rel_pos_w: found shape \[3, 4\], expected \[5, 4\]/);
  assert.throws(() => call({ window: { height: 0, width: 3 } }), /window: found \[0, 3\]/);
  assert.throws(() => call({ outside: outside.narrow(0, 0, 23) }), /outside: found shape \[23\], expected \[24\]/);
  assert.throws(() => relPosAttention(qkv.select(0, 0), rows, columns, options), /qkv: found shape/);
});
