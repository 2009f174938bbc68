import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { deformConv2d } from "@adsam/kernels";
import { nn, noGrad, ones, scope, Tensor, withObserver } from "@adsam/torch";
import { roofOf } from "../src/bench/roofline/limit.js";
import { operatorNeeds } from "../src/bench/roofline/operators.js";
import { Tally } from "../src/bench/roofline/tally.js";

function needsOf(body: () => unknown) {
  const tally = new Tally({ forward: "forward", backward: "backward" });
  scope(() => withObserver(tally.see, () => void body()));
  const sum = (phase: string) =>
    tally.needs.operators
      .filter((one) => one.phase === phase)
      .reduce((all, { flops, bytes }) => [all[0]! + flops, all[1]! + bytes], [0, 0]);
  return { forward: sum("forward"), backward: sum("backward") };
}

describe("roofline counts, by hand", () => {
  test("convolution: [2, 3, 5, 7] by 4 filters of 3×3", () => {
    const [input, weight] = [ones([2, 3, 5, 7]), ones([4, 3, 3, 3])];
    const outputs = 2 * 4 * 5 * 7;
    const flops = 2 * outputs * 27;
    const bytes = 4 * (210 + 108 + outputs);
    assert.deepEqual(
      needsOf(() => input.conv2d(weight, { padding: [1, 1] })),
      {
        forward: [flops, bytes],
        backward: [0, 0],
      },
    );
    weight.requiresGrad_(); // as a network's first: its picture wants no gradient
    assert.deepEqual(needsOf(() => input.conv2d(weight, { padding: [1, 1] })).backward, [flops, bytes]);
    input.requiresGrad_();
    assert.deepEqual(needsOf(() => input.conv2d(weight, { padding: [1, 1] })).backward, [2 * flops, 2 * bytes]);
    assert.deepEqual(needsOf(() => noGrad(() => input.conv2d(weight.detach(), { padding: [1, 1] }))).forward, [
      flops,
      bytes,
    ]);
  });

  test("linear layer and matrix product", () => {
    const layer = new nn.Linear(6, 10);
    const needs = needsOf(() => layer.call(ones([5, 6])));
    assert.equal(needs.forward[0], 2 * 5 * 6 * 10);
    assert.equal(needs.forward[1], 4 * (30 + 60 + 10 + 50));
    assert.equal(needs.backward[0], 2 * 5 * 6 * 10); // the input wants none, a bias costs none
    assert.equal(needsOf(() => ones([2, 3, 4]).bmm(ones([2, 4, 5]))).forward[0], 2 * 2 * 3 * 4 * 5);
  });

  test("deformable convolution: a convolution and five multiply-adds a reading; backward twice both", () => {
    const tensors = {
      input: ones([1, 3, 5, 7]),
      weight: ones([2, 3, 3, 3]),
      offset: ones([1, 18, 5, 7]),
      mask: ones([1, 9, 5, 7]),
    };
    const call = () => deformConv2d(tensors.input, tensors.weight, tensors.offset, { mask: tensors.mask, padding: 1 });
    const [product, readings] = [2 * 35 * 27, 3 * 9 * 35 * 5];
    assert.equal(needsOf(call).forward[0], 2 * (product + readings));
    for (const tensor of Object.values(tensors)) tensor.requiresGrad_();
    assert.equal(needsOf(call).backward[0], 2 * (2 * product + 2 * readings));
    for (const tensor of [tensors.input, tensors.weight, tensors.mask]) tensor.requiresGrad_(false);
    assert.equal(needsOf(call).backward[0], 2 * (product + 2 * readings)); // places want the columns' gradient
    tensors.input.requiresGrad_();
    assert.equal(needsOf(call).backward[0], 2 * (product + 2 * readings));
  });

  test("attention with relative positions: windows of 2×3 and the whole map", () => {
    const phases = { forward: "total", backward: "total" };
    const [qkv, result] = [ones([2, 4, 6, 3 * 8]), ones([2, 4, 6, 8])];
    const count = (height: number, width: number) => {
      const [relPosH, relPosW] = [ones([2 * height - 1, 4]), ones([2 * width - 1, 4])];
      const args = [qkv, relPosH, relPosW, undefined, 2, [height, width]];
      return operatorNeeds("adsam::rel_pos_attention", args, result, phases)![0]!.flops;
    };
    assert.equal(count(2, 3), 2 * 2 * 24 * 8 * (2 * 6 + 5));
    assert.equal(count(4, 6), 2 * 2 * 24 * 8 * (2 * 24 + 10));
  });

  test("what is not counted: light operators in silence, this project's others by name", () => {
    const tally = new Tally({ forward: "total", backward: "total" });
    for (const name of ["aten::relu", "adsam::group_norm", "adsam::new_product", "adsam::new_product"])
      tally.see(name, [], Tensor.of([1]));
    assert.deepEqual(tally.needs, { operators: [], uncounted: { "adsam::new_product": 2 } });
  });
});

test("the limit is the sum over operators of arithmetic or traffic, whichever takes longer", () => {
  const operators = [
    { name: "product", phase: "total", flops: 100, bytes: 1 },
    { name: "copy", phase: "total", flops: 1, bytes: 40 },
    { name: "product", phase: "backward", flops: 1000, bytes: 1 },
  ];
  const rates = { float32: 10, bfloat16: 20, copy: 8 };
  assert.deepEqual(roofOf(operators, "total", "float32", rates), { flops: 101, bytes: 41, limit: 15 });
  assert.equal(roofOf(operators, "total", "bfloat16", rates).limit, 10);
});
