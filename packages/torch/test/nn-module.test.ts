import assert from "node:assert/strict";
import { test } from "node:test";
import { liveTensors, nn, randn, scope, Tensor, zeros } from "../src/index.js";

class Attention extends nn.Module {
  readonly relPosH = nn.parameter(zeros([3, 2], { dtype: "float32" }));
  readonly qkv = new nn.Linear(4, 12);
  readonly pixelMean = nn.buffer(zeros([3], { dtype: "float32" }));
  readonly heads = new nn.ModuleDict({ relPosW: new nn.Linear(4, 1, { bias: false }) });
  readonly blocks = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2, { bias: false })]);

  forward(x: Tensor): Tensor {
    return this.qkv.call(x);
  }
}

test("state-dict names: properties in snake case, list members by number, dictionary members as they are called", () => {
  using module = new Attention();
  assert.deepEqual(
    [...module.stateDict().keys()],
    [
      "rel_pos_h",
      "pixel_mean",
      "qkv.weight",
      "qkv.bias",
      "heads.relPosW.weight",
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
    ],
  );
  assert.equal(module.parameters().length, 7);
});

test("a Sequential is indexed, counted and walked", () => {
  using net = new nn.Sequential(new nn.Linear(5, 4), new nn.ReLU(), new nn.Linear(4, 3));
  assert.ok(net[1] instanceof nn.ReLU);
  assert.equal(net.at(-1), net[2]);
  assert.equal(net.length, 3);
  assert.deepEqual(
    [...net].map((layer) => layer.constructor.name),
    ["Linear", "ReLU", "Linear"],
  );
  assert.deepEqual([...net.stateDict().keys()], ["0.weight", "0.bias", "2.weight", "2.bias"]);
  using x = randn([3, 5]);
  scope(() => assert.deepEqual(net.call(x).shape, [3, 3]));
});

test("containers without a forward say so, and a missing member is named with those there are", () => {
  assert.throws(() => new nn.ModuleList().call(), /a ModuleList has no forward/);
  assert.throws(() => new nn.ModuleDict({ a: new nn.ReLU() }).get("b"), /no module "b", only a/);
});

test("parameters made inside a scope outlive it", () => {
  const net = scope(() => {
    const made = new nn.Linear(5, 3);
    return { hidden: () => made };
  }).hidden();
  scope(() => assert.deepEqual(net.call(randn([2, 5])).shape, [2, 3]));
  net.dispose();
});

test("dispose frees every parameter and buffer", () => {
  const before = liveTensors().count;
  const net = new nn.Sequential(new nn.Conv2d(3, 4, { kernelSize: 3 }), new nn.BatchNorm2d(4));
  assert.equal(liveTensors().count, before + 7);
  net.dispose();
  assert.equal(liveTensors().count, before);
});

test("train and eval reach every module, and dropout and batch norm obey", () => {
  using net = new nn.Sequential(new nn.Dropout(0.9), new nn.Sequential(new nn.Dropout(0.9)));
  scope(() => {
    const x = randn([3, 50]);
    assert.ok(net.call(x).equal(x) === false);
    assert.ok(net.eval().call(x).equal(x));
    assert.ok(net.train().call(x).equal(x) === false);
  });
});

test("frozen batch norm: statistics stay to the bit, one picture does not see the other, weight and bias are trained", () => {
  scope(() => {
    using norm = new nn.BatchNorm2d(4, { frozen: true });
    norm.runningMean.normal_();
    const before = [norm.runningMean, norm.runningVar, norm.numBatchesTracked].map((one) => one.clone());
    const x = randn([3, 4, 5, 7]);
    const together = norm.call(x);
    const alone = norm.call(x.narrow(0, 1, 1));
    assert.ok(together.narrow(0, 1, 1).equal(alone));
    together.sum().backward();
    assert.ok(norm.weight!.grad && norm.bias!.grad);
    for (const [i, one] of [norm.runningMean, norm.runningVar, norm.numBatchesTracked].entries())
      assert.ok(one.equal(before[i]!));
    norm.frozen = false;
    norm.call(x);
    assert.equal(norm.numBatchesTracked.item(), 1);
    assert.ok(!norm.runningMean.equal(before[0]!));
  });
});

test("loadStateDict copies values, and lists all that does not fit before changing anything", () => {
  scope(() => {
    using net = new nn.Linear(5, 3);
    using other = new nn.Linear(5, 3);
    net.loadStateDict(other.stateDict());
    assert.ok(net.weight.equal(other.weight) && !Object.is(net.weight, other.weight));
    const kept = net.weight.clone();
    const wrong = { weight: zeros([3, 4], { dtype: "float32" }), extra: zeros([1], { dtype: "float32" }) };
    assert.throws(() => net.loadStateDict(wrong), {
      name: "Problem",
      message:
        "the state dict does not fit Linear: found 1 missing: bias; 1 unexpected: extra; " +
        "1 unlike: weight float32 [3, 4] instead of float32 [3, 5], expected 2 tensors named and shaped as this network's. Check that the file belongs to this network and that the configuration " +
        "(sizes, decoder, number of classes) is the one it was trained with.",
    });
    assert.ok(net.weight.equal(kept));
    const { missing } = net.loadStateDict({ bias: Tensor.of([1, 2, 3]) }, { strict: false });
    assert.deepEqual(missing, ["weight"]);
    assert.deepEqual(net.bias!.toNested(), [1, 2, 3]);
  });
});

test("a module converted to another dtype computes in it; integer buffers stay", () => {
  scope(() => {
    using net = new nn.Sequential(new nn.Conv2d(3, 4, { kernelSize: 3 }), new nn.BatchNorm2d(4));
    net.to({ dtype: "float64" });
    assert.equal(net.call(randn([2, 3, 5, 7], { dtype: "float64" })).dtype, "float64");
    assert.equal((net[1] as nn.BatchNorm2d).numBatchesTracked.dtype, "int64");
  });
});

test("a scope may return a module: its members survive", () => {
  const net = scope(() => new nn.Linear(5, 3));
  assert.equal(net.weight.disposed, false);
  net.dispose();
});
