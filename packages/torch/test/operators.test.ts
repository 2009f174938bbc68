import assert from "node:assert/strict";
import { test } from "node:test";
import {
  arange,
  callOperator,
  full,
  Generator,
  liveTensors,
  ones,
  schemaOf,
  scope,
  Tensor,
  withObserver,
  zeros,
} from "../src/index.js";

const inScope = (name: string, body: () => void) => test(name, () => scope(body));
const call = (name: string, overload: string, ...args: unknown[]) =>
  callOperator(`aten::${name}`, overload, args) as Tensor;
const nested = (result: unknown) => (result as Tensor).toNested();
const x = () =>
  Tensor.of([
    [1, 2, 3],
    [4, 5, 6],
  ]); // [2, 3]

inScope("arguments of every type cross the bridge", () => {
  assert.deepEqual(nested(call("linear", "", x(), ones([1, 3]))), [[6], [15]], "Tensor? left out");
  assert.deepEqual(nested(call("linear", "", x(), ones([1, 3]), null)), [[6], [15]], "Tensor? null");
  assert.deepEqual(nested(call("linear", "", x(), ones([1, 3]), ones([1]))), [[7], [16]], "Tensor?");
  assert.deepEqual(call("cat", "", [x(), x()], 1).shape, [2, 6], "Tensor[] and int");
  const columns = Tensor.of([2, 0], { dtype: "int64" });
  assert.deepEqual(
    nested(call("index", "Tensor", x(), [null, columns])),
    [
      [3, 1],
      [6, 4],
    ],
    "Tensor?[]",
  );
  assert.deepEqual(call("max_pool2d", "", ones([1, 1, 4, 6]), 2).shape, [1, 1, 2, 3], "int[2] from one number");
  assert.deepEqual(call("max_pool2d", "", ones([1, 1, 4, 6]), [2, 3]).shape, [1, 1, 2, 2], "int[2]");
  assert.deepEqual(nested(call("add", "Scalar", Tensor.of([1]), 0.5)), [1.5], "Scalar");
  assert.equal(call("sum", "", x(), "float64").dtype, "float64", "dtype");
  assert.equal(call("gelu", "", Tensor.of([1]), "tanh").rank, 1, "str");
  assert.equal(call("any", "dim", x(), 0, true).rank, 2, "bool");
  const scaled = call("upsample_bilinear2d", "vec", ones([1, 1, 2, 4]), null, false, [2, 1.5]);
  assert.deepEqual(scaled.shape, [1, 1, 4, 6], "float list");
  const [a, b] = [1, 2].map(() => call("rand", "generator", [2], Generator.seeded(3)));
  assert.ok(a!.equal(b!), "generator");
  assert.deepEqual(nested(call("einsum", "", "ij->j", [x()])), [5, 7, 9], "str, then Tensor[]");
  assert.deepEqual(
    call("contiguous", "", ones([2, 3, 4, 5]), "channels_last").strides,
    [60, 1, 15, 3],
    "memory format",
  );
  assert.equal(call("full", "", [2], 2n ** 53n + 1n).data()[0], 2n ** 53n + 1n, "bigint");
});

inScope("a list of booleans asks for some gradients; what is not asked for is undefined", () => {
  const ones1 = ones([2, 1]);
  const result = call("native_layer_norm_backward", "", x(), x(), [3], ones1, ones1, null, null, [true, false, false]);
  assert.deepEqual(
    (result as unknown as (Tensor | undefined)[]).map((one) => one?.shape),
    [[2, 3], undefined, undefined],
  );
});

inScope("several results, lists and plain values", () => {
  const [values, indices] = x().max(1);
  assert.deepEqual([values.toNested(), indices.toNested(), indices.dtype], [[3, 6], [2, 2], "int64"]);
  assert.deepEqual(
    x()
      .unbind()
      .map((row) => row.toNested()),
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  );
  assert.equal(x().equal(x()), true);
  assert.equal(callOperator("aten::size", "int", [x(), 1]), 3);
});

inScope("in-place and out= overloads give back the very object they wrote to, and no new handle", () => {
  const target = zeros([0], { dtype: "float32" });
  assert.deepEqual(target.shape, [0]);
  const operand = x();
  const before = liveTensors().count;
  assert.equal(call("add", "out", operand, operand, undefined, target), target);
  assert.deepEqual(
    [target.shape, target.toNested()],
    [
      [2, 3],
      [
        [2, 4, 6],
        [8, 10, 12],
      ],
    ],
  );
  assert.equal(target.add_(1).mul_(2), target);
  assert.deepEqual(target.toNested(), [
    [6, 10, 14],
    [18, 22, 26],
  ]);
  const [values, indices] = [zeros([0], { dtype: "float32" }), zeros([0], { dtype: "int64" })];
  const result = call("max", "dim_max", operand, 1, false, values, indices) as unknown as Tensor[];
  assert.ok(result[0] === values && result[1] === indices);
  assert.equal(liveTensors().count, before + 2);
});

inScope("a bare number is the weaker side of type promotion, as in Python", () => {
  const whole = ones([2], { dtype: "int64" });
  assert.deepEqual([whole.add(2).dtype, whole.add(1.5).dtype], ["int64", "float32"]);
  assert.equal(ones([2], { dtype: "bfloat16" }).mul(1.5).dtype, "bfloat16");
  assert.equal(full([2], 1.5).dtype, "float32");
});

inScope("methods find the overload that fits", () => {
  assert.deepEqual(nested(x().sum()), 21);
  assert.deepEqual(nested(x().sum(1)), [6, 15]);
  assert.deepEqual(nested(x().sum([0, 1], { keepdim: true })), [[21]]);
  assert.deepEqual(nested(x().pow(2).select(0, 0)), [1, 4, 9]);
  assert.deepEqual(nested(Tensor.of([2, 3]).pow(Tensor.of([3, 2]))), [8, 9]);
  assert.deepEqual(nested(arange(1, 4, { dtype: "float32" })), [1, 2, 3]);
  assert.deepEqual(nested(x().softmax(1).sum(1).round()), [1, 1]);
  assert.deepEqual(
    x()
      .split(2, { dim: 1 })
      .map((part) => part.shape),
    [
      [2, 2],
      [2, 1],
    ],
  );
  assert.deepEqual(
    x()
      .split([1, 2], { dim: 1 })
      .map((part) => part.shape),
    [
      [2, 1],
      [2, 2],
    ],
  );
});

const errors: Record<string, [() => unknown, string]> = {
  "a wrong shape": [
    () => x().matmul(ones([4, 5])),
    "aten::matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 4x5) (self [2, 3] float32, other [4, 5] float32)",
  ],
  "an unknown operator": [() => call("foo", ""), "libtorch has no operator aten::foo"],
  "an unknown overload": [() => call("add", "foo"), "libtorch has no operator aten::add.foo"],
  "an unknown option": [
    () => x().sum(1, { keepDim: true } as object),
    'sum: unknown option "keepDim", expected one of dim, keepdim, dtype',
  ],
  "arguments that fit no overload": [
    () => (x().narrow as (dim: unknown) => Tensor)("a"),
    "narrow: found arguments (a), expected (dim:int, start:int, length:int)",
  ],
  "a number that is not whole": [
    () => call("narrow", "", x(), 0, 0.5, 1),
    "aten::narrow: argument `start`: found 0.5, expected int",
  ],
  "not a number": [() => ones([Number.NaN]), "aten::ones: argument `size`: found NaN, expected int"],
  "an unknown dtype": [
    () => call("sum", "", x(), "float65"),
    'aten::sum: argument `dtype`: found "float65", expected a number or the name of a dtype, layout or memory format',
  ],
  "a wrong type": [() => call("std", "", x(), "yes"), 'aten::std: argument `unbiased`: found "yes", expected bool'],
  "too many arguments": [
    () => call("relu", "", x(), 1),
    "aten::relu: found 2 arguments, expected at most 1: aten::relu(Tensor self) -> Tensor",
  ],
  "a missing argument": [() => call("mm", "", x()), "aten::mm: argument `mat2`: found undefined, expected a Tensor"],
  "another object for a tensor": [
    () => call("relu", "", {}),
    "aten::relu: argument `self`: found another object, expected a Tensor",
  ],
};

for (const [name, [body, message]] of Object.entries(errors))
  inScope(`the error of ${name}`, () => assert.throws(body, { message }));

inScope("an error's message is short: no backtrace, no list of back ends", () => {
  assert.throws(
    () => call("ones", "", [2], undefined, undefined, "vulkan"),
    (error: Error) => /vulkan/i.test(error.message) && error.message.length < 250,
  );
});

test("an operator that fails leaves no handle behind", () => {
  scope(() => {
    const [a, b] = [x(), ones([4, 5])];
    const before = liveTensors().count;
    for (let i = 0; i < 10; i++) assert.throws(() => a.matmul(b));
    assert.equal(liveTensors().count, before);
  });
});

inScope("schemaOf tells an operator's arguments; an observer sees calls in order", () => {
  assert.equal(schemaOf("aten::relu"), "aten::relu(Tensor self) -> Tensor");
  const names: string[] = [];
  withObserver(
    (name) => names.push(name),
    () => x().relu().add(1).sum(),
  );
  assert.deepEqual(
    names.filter((name) => name !== "aten::to"),
    ["aten::relu", "aten::add", "aten::sum"],
  );
});
