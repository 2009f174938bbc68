import assert from "node:assert/strict";
import { test } from "node:test";
import { liveTensors, nn, type Problem, randn, scope, Tensor, zeros } from "../src/index.js";

class Attention extends nn.Module {
  readonly relPosH = nn.parameter(zeros([3, 2], { dtype: "float32" }));
  readonly qkv = new nn.Linear(4, 12);
  readonly MLP_Adapter = new nn.Linear(2, 2, { bias: false });
  readonly pixelMean = nn.buffer(zeros([3], { dtype: "float32" }));
  readonly heads = new nn.ModuleDict({ relPosW: new nn.Linear(4, 1, { bias: false }) });
  readonly blocks = new nn.ModuleList([new nn.Linear(2, 2), new nn.Linear(2, 2, { bias: false })]);

  forward(x: Tensor): Tensor {
    return this.qkv.call(x);
  }
}

test("state-dict names: properties in snake case or as they are where spelt with an underscore, list members by number, dictionary members as they are called", () => {
  using module = new Attention();
  assert.deepEqual(
    [...module.stateDict().keys()],
    [
      "rel_pos_h",
      "pixel_mean",
      "qkv.weight",
      "qkv.bias",
      "MLP_Adapter.weight",
      "heads.relPosW.weight",
      "blocks.0.weight",
      "blocks.0.bias",
      "blocks.1.weight",
    ],
  );
  assert.equal(module.parameters().length, 8);
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

test("what does not fit is named with its closest match, long lists by a count", () => {
  scope(() => {
    const tensors = (names: readonly string[]) => new Map(names.map((name) => [name, zeros([2])] as const));
    class Scale extends nn.Module {
      readonly weight = nn.parameter(zeros([2], { dtype: "float32" }));
      forward(): void {}
    }
    class Named extends nn.Module {
      readonly neck = new nn.ModuleList(Array.from({ length: 9 }, () => new Scale()));
      forward(): void {}
    }
    using net = new Named();
    const found = (state: ReadonlyMap<string, Tensor>, options = {}) => {
      try {
        net.loadStateDict(state, options);
      } catch (problem) {
        return (problem as Problem).parts.found;
      }
      return undefined;
    };
    const own = [...net.stateDict().keys()];
    assert.equal(
      found(tensors(own.map((name) => name.replace(".0.", ".conv0.")))),
      "1 missing: neck.0.weight (closest in the file: neck.conv0.weight); " +
        "1 unexpected: neck.conv0.weight (closest in the network: neck.0.weight)",
    );
    assert.equal(
      found(new Map(), {}),
      "9 missing: neck.0.weight, neck.1.weight, neck.2.weight, neck.3.weight, neck.4.weight, neck.5.weight and 3 more",
    );
    // Of two names equally near, the one of this shape; one that has nothing in common is not named.
    const near = tensors([...own.slice(1), "neck.a.weight", "neck.b.weight"]).set("neck.a.weight", zeros([3]));
    assert.match(found(near)!, /^1 missing: neck\.0\.weight \(closest in the file: neck\.b\.weight\)/);
    assert.match(found(tensors([...own.slice(1), "zzz"]))!, /^1 missing: neck\.0\.weight; 1 unexpected: zzz$/);
    // Integers do not pass for fractions.
    assert.equal(
      found(tensors(own).set("neck.3.weight", zeros([2], { dtype: "int64" }))),
      "1 unlike: neck.3.weight int64 [2] instead of float32 [2]",
    );
    // Names as the file has them.
    assert.match(
      found(tensors([...own, "more"]), { nameInFile: (name: string) => `module.${name}` })!,
      /^1 unexpected: module\.more$/,
    );
    // What may be missing keeps its value.
    nn.init.ones_(net.neck[8]!.weight);
    assert.equal(found(tensors(own.slice(0, 8)), { optional: (name: string) => name === "neck.8.weight" }), undefined);
    assert.deepEqual(net.neck[8]!.weight.toNested(), [1, 1]);
    assert.deepEqual(net.neck[7]!.weight.toNested(), [0, 0]);
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
