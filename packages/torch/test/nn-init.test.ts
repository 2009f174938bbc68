import assert from "node:assert/strict";
import { test } from "node:test";
import { empty, Generator, liveTensors, nn, randn, scope, type Tensor } from "../src/index.js";
import { assertSame, type GoldenTensor, readGolden } from "./golden.js";

const { init } = nn;
const golden = readGolden<{ inits: Record<string, GoldenTensor> }>("nn.json").inits;

const fills: Record<string, (tensor: Tensor) => Tensor> = {
  uniform: (t) => init.uniform_(t, { from: -0.2, to: 0.7 }),
  normal: (t) => init.normal_(t, { mean: 0.5, std: 0.02 }),
  truncNormal: (t) => init.truncNormal_(t, { std: 0.02 }),
  "truncNormal, cut close": (t) => init.truncNormal_(t, { mean: 0.1, std: 1, a: -0.5, b: 0.9 }),
  kaimingUniform: (t) => init.kaimingUniform_(t),
  "kaimingUniform, leaky": (t) => init.kaimingUniform_(t, { a: 0.2, mode: "fanOut" }),
  kaimingNormal: (t) => init.kaimingNormal_(t, { mode: "fanOut", nonlinearity: "relu" }),
  xavierUniform: (t) => init.xavierUniform_(t, { gain: init.gainOf("tanh") }),
  xavierNormal: (t) => init.xavierNormal_(t),
};

test("every initialiser has golden numbers", () => assert.deepEqual(Object.keys(fills), Object.keys(golden)));

for (const [name, fill] of Object.entries(fills)) {
  test(`${name}: PyTorch's numbers from the same seed`, () => {
    scope(() => {
      Generator.default().seed(11);
      const tensor = empty([6, 4, 3, 2], { dtype: "float32" });
      assert.equal(fill(tensor), tensor);
      assertSame(tensor, golden[name]!, name);
    });
  });
}

test("a parameter is filled without a graph and without leaving a tensor", () => {
  const weight = nn.parameter(empty([6, 4], { dtype: "float32" }));
  const before = liveTensors().count;
  for (const fill of Object.values(fills)) fill(weight);
  assert.equal(liveTensors().count, before);
  assert.ok(weight.isLeaf && weight.requiresGrad);
  weight.dispose();
});

test("an own generator fixes the weights and leaves the default one alone", () => {
  scope(() => {
    const before = Generator.default().state;
    const make = () => new nn.Conv2d(4, 6, { kernelSize: 3, generator: Generator.seeded(5) });
    using a = make();
    using b = make();
    assertSame(a.weight, b.weight, "weight");
    assertSame(a.bias!, b.bias!, "bias");
    assertSame(Generator.default().state, before, "state of the default generator");
  });
});

test("skipInit draws nothing", () => {
  scope(() => {
    const before = Generator.default().state;
    using net = init.skipInit(() => new nn.Sequential(new nn.Linear(5, 3), new nn.LayerNorm(3)));
    assertSame(Generator.default().state, before, "state of the default generator");
    assert.deepEqual((net[1] as nn.LayerNorm).weight!.toNested(), [1, 1, 1]);
  });
});

test("a fan of a vector is refused", () => {
  assert.throws(() => init.kaimingNormal_(randn([5])), {
    name: "Problem",
    message:
      "initialisation by fan: found a tensor of shape [5], expected a weight of at least 2 dimensions, [out, in, ...kernel]",
  });
});
