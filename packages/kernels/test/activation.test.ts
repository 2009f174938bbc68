import assert from "node:assert/strict";
import { test } from "node:test";
import { grad, type Tensor, zeros } from "@adsam/torch";
import { addRelu_, gelu } from "../src/index.js";
import {
  assertClose,
  assertSameOnAnyThreads,
  checkGradients,
  distance,
  filled,
  ofThreads,
  testDevice,
  withGradients,
} from "./helpers.js";

const last = (tensor: Tensor) => tensor.contiguous({ memoryFormat: "channels_last" });
const exact = (x: Tensor) => x.mul(x.mul(Math.SQRT1_2).erf().add(1)).mul(0.5);

for (const shape of [[], [1], [7, 3], [2, 19, 5, 3], [2, 3, 130, 170]])
  test(`GELU agrees with its formula in value and gradient, whatever the layouts: [${shape}]`, () => {
    const input = filled("input", shape, { lo: -7, hi: 7 });
    const expected = withGradients(exact, [input]);
    for (const [dtype, tolerance] of [
      ["float64", 1e-14],
      ["float32", 6e-7],
      ["bfloat16", 2 ** -7],
    ] as const)
      for (const arrange of [(x: Tensor) => x, (x: Tensor) => (shape.length === 4 ? last(x) : x)]) {
        const leaf = arrange(input.to({ dtype })).requiresGrad_();
        const given = leaf.detach().to({ dtype: "float64" });
        const [value, slope] = dtype === "bfloat16" ? withGradients(exact, [given]) : expected;
        const y = gelu(leaf);
        const cotangent = filled("cotangent", shape, { dtype });
        const [gradient] = grad([y], [leaf], { cotangents: [cotangent] }); // row-major, also where y is channels-last
        assertClose(y.detach(), value!, tolerance, `${dtype} output`);
        assertClose(gradient!, slope!, 2 * tolerance, `${dtype} gradient`);
        // On a GPU the gradient has the layout of its cotangent: libtorch's own operator serves there.
        assert.deepEqual(y.strides, leaf.strides);
        if (testDevice() === "cpu") assert.deepEqual(gradient!.strides, leaf.strides);
      }
  });

test("GELU of a slice with gaps, of nothing, and of what is not a finite number", () => {
  const slice = filled("input", [4, 9]).narrow(1, 2, 5);
  assertClose(gelu(slice), exact(slice), 1e-14, "slice");
  assert.deepEqual(gelu(zeros([0, 3])).shape, [0, 3]);
  for (const [x, y] of [
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [40, 40],
    [-40, 0],
  ] as const)
    assert.ok(Object.is(Math.abs(gelu(zeros([1]).fill_(x)).item()), y), `gelu(${x})`);
});

test("GELU's gradients in float64 are those of central differences", () => {
  checkGradients(gelu, [filled("input", [3, 5], { lo: -3, hi: 3 })], ["input"], { tolerance: 1e-8 });
});

for (const shape of [[1], [2, 19, 5, 3], [2, 3, 130, 170]])
  for (const dtype of ["float32", "float64", "bfloat16"] as const)
    test(`the sum's positive part is written into the first, with its gradients: [${shape}] ${dtype}`, () => {
      const [a, b] = [filled("a", shape, { dtype }), filled("b", shape, { dtype })];
      const expected = withGradients((x, y) => x.add(y).relu(), [a, b]);
      for (const arrange of [(x: Tensor) => x, (x: Tensor) => (shape.length === 4 ? last(x) : x)])
        for (const [i, found] of withGradients((x, y) => addRelu_(arrange(x).mul(1), y), [a, b]).entries())
          assert.equal(distance(found, expected[i]!), 0, ["output", "first", "second"][i]);
    });

test("the first is overwritten, a leaf that wants a gradient is refused, and so are other shapes and dtypes", () => {
  const self = filled("a", [2, 3]).sub(0.5);
  const expected = self.add(1).relu();
  assert.equal(distance(addRelu_(self, self.onesLike()), expected), 0);
  assert.equal(distance(self, expected), 0);
  assert.throws(() => addRelu_(zeros([2, 3]).requiresGrad_(), zeros([2, 3])), /leaf/);
  assert.throws(
    () => addRelu_(zeros([2, 3]), zeros([1, 3])),
    /add_relu_ other: found shape \[1, 3\], expected \[2, 3\] as self\. Nothing is broadcast/,
  );
  assert.throws(
    () => addRelu_(zeros([2]), zeros([2], { dtype: "float64" })),
    /other: found dtype Double, expected Float/,
  );
});

test("the number of threads changes no bit", ofThreads(), () => {
  const [a, b] = [filled("a", [3, 67, 401], { dtype: "float32" }), filled("b", [3, 67, 401], { dtype: "float32" })];
  assertSameOnAnyThreads(() => [
    ...withGradients(gelu, [a]),
    ...withGradients((x, y) => addRelu_(x.mul(1), y), [a, b]),
  ]);
});
