import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { arange, ones, scope, Tensor, zeros } from "../src/index.js";

const inScope = (name: string, body: () => void) => test(name, () => scope(body));

inScope("nested numbers become a tensor and come back", () => {
  const x = Tensor.of([
    [1, 2, 3],
    [4, 5, 6.5],
  ]);
  assert.deepEqual([x.shape, x.dtype, x.rank, x.numel, x.size(-1)], [[2, 3], "float32", 2, 6, 3]);
  assert.deepEqual(x.toNested(), [
    [1, 2, 3],
    [4, 5, 6.5],
  ]);
  assert.deepEqual(Tensor.of([true, false], { dtype: "bool" }).toNested(), [1, 0]);
  assert.equal(Tensor.of(7, { dtype: "int64" }).item(), 7);
  assert.deepEqual(Tensor.of([[], []]).shape, [2, 0]);
});

inScope("ragged nested arrays are refused with the shapes that differ", () => {
  assert.throws(() => Tensor.of([[1, 2], [3]]), {
    name: "Problem",
    message: "Tensor.of: found neighbours of shapes [2] and [1], expected nested arrays of equal lengths",
  });
});

inScope("every dtype survives typed arrays", () => {
  const arrays = [
    Float32Array.of(1.5, -2),
    Float64Array.of(1.5, -2),
    BigInt64Array.of(1n, -(2n ** 60n)),
    Int32Array.of(1, -2),
    Int16Array.of(1, -2),
    Int8Array.of(1, -2),
    Uint8Array.of(1, 255),
  ];
  for (const array of arrays) assert.deepEqual(Tensor.from(array, [2]).toArray(), array);
  assert.throws(() => Tensor.from(Uint16Array.of(1), [1]), /a Uint16Array has no dtype of its own: name one/);
  assert.equal(Tensor.from(Uint16Array.of(0x3f80), [1], { dtype: "bfloat16" }).item(), 1);
  assert.equal(Tensor.from(Uint16Array.of(0x3c00), [1], { dtype: "float16" }).item(), 1);
});

inScope("from copies, share does not, data looks into the tensor, toArray copies", () => {
  const array = Float32Array.of(1, 2, 3);
  const copy = Tensor.from(array, [3]);
  const shared = Tensor.share(array, [3]);
  array[0] = 10;
  assert.deepEqual(copy.toNested(), [1, 2, 3]);
  assert.deepEqual(shared.toNested(), [10, 2, 3]);
  shared.mul_(2);
  assert.deepEqual([...array], [20, 4, 6]);
  const [view, taken] = [copy.data(), copy.toArray()];
  view[1] = 99;
  assert.deepEqual(copy.toNested(), [1, 99, 3]);
  assert.deepEqual([...taken], [1, 2, 3]);
});

inScope("a view of a tensor's memory outlives the tensor; a shared array outlives its variable", () => {
  const x = arange(4, { dtype: "float32" });
  const view = x.data();
  x.dispose();
  for (let i = 0; i < 50; i++) ones([4], { dtype: "float32" });
  assert.deepEqual([...view], [0, 1, 2, 3]);
});

inScope("data of a transposed tensor is in row-major order, in memory of its own", () => {
  const x = Tensor.of([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  const turned = x.transpose(0, 1);
  assert.deepEqual([...turned.data()], [1, 4, 2, 5, 3, 6]);
  assert.throws(() => turned.bytes(), /only a contiguous tensor on the CPU shows its bytes/);
});

inScope("lengths and alignment are checked", () => {
  assert.throws(() => Tensor.from(new Float32Array(3), [2, 2]), {
    name: "RangeError",
    message: "found 12 bytes, expected 16 for this shape and dtype",
  });
  const bytes = new Uint8Array(new ArrayBuffer(9), 1, 8);
  assert.throws(() => Tensor.share(bytes, [2], { dtype: "float32" }), /the bytes are not aligned to their dtype/);
});

inScope("dims4 and its like name the argument, the ranks and the shape", () => {
  const x = zeros([3, 4, 5, 7]);
  assert.deepEqual(x.dims4("image"), [3, 4, 5, 7]);
  assert.deepEqual(x.spatialSize("image"), { height: 5, width: 7 });
  assert.throws(() => zeros([3, 5, 7]).dims4("image"), {
    name: "Problem",
    message: "`image`: found a tensor of 3 dimensions, [3, 5, 7], expected 4 dimensions",
  });
  assert.throws(() => x.dims3("tokens"), /`tokens`: found a tensor of 4 dimensions, \[3, 4, 5, 7\], expected 3/);
  assert.throws(() => x.size(4), /dimension 4 of a tensor of shape \[3, 4, 5, 7\]/);
});

inScope("after dispose every use is a named error, and dispose again is harmless", () => {
  const x = Tensor.of([1, 2]);
  x.shape;
  x.dispose();
  x.dispose();
  assert.equal(x.disposed, true);
  assert.equal(String(x), "Tensor (disposed)");
  assert.throws(() => x.shape, /^Error: this tensor was disposed/);
  assert.throws(() => x.item(), /this tensor was disposed/);
  assert.throws(() => x.relu(), /aten::relu: argument `self`: this tensor was disposed/);
  const y = Tensor.of([1, 2]);
  assert.throws(() => y.add(x), /aten::add.Tensor: argument `other`: this tensor was disposed/);
});

inScope("an id is never used again for another tensor", () => {
  const x = Tensor.of([1]);
  const stale = x.id;
  x.dispose();
  const ids = Array.from({ length: 100 }, () => Tensor.of([2]).id);
  assert.ok(!ids.includes(stale));
});

inScope("aliases and views live on when the tensor they came from goes", () => {
  const x = Tensor.of([1, 2, 3]);
  const [alias, view] = [x.alias(), x.narrow(0, 1, 2)];
  x.dispose();
  alias.fill_(5);
  assert.deepEqual(view.toNested(), [5, 5]);
});

inScope("to gives other dtypes and copies on demand", () => {
  const x = Tensor.of([1.5, 2.5]);
  assert.equal(x.to({ dtype: "int64" }).dtype, "int64");
  const copy = x.to({ copy: true });
  copy.zero_();
  assert.deepEqual(x.toNested(), [1.5, 2.5]);
  assert.equal(x.viewDtype("int32").dtype, "int32");
});

inScope("a picture of a tensor shows shape, dtype and values", () => {
  assert.equal(String(Tensor.of([[1, 2.5]])), "Tensor [1, 2] float32 [[1, 2.5]]");
  assert.match(String(arange(100)), /^Tensor \[100\] int64 \[0, 1, 2, 3, 4, 5, …\] min 0 mean 49.5 max 99$/);
});

test("a mapped file reads as bytes, and writing to the tensor does not reach the file", () => {
  const folder = mkdtempSync(join(tmpdir(), "tensor-"));
  const path = join(folder, "bytes");
  writeFileSync(path, Uint8Array.of(1, 2, 3));
  scope(() => {
    const mapped = Tensor.mapFile(path);
    assert.deepEqual([...mapped.toArray()], [1, 2, 3]);
    mapped.fill_(9);
    assert.deepEqual([...Tensor.mapFile(path).toArray()], [1, 2, 3]);
    assert.throws(() => Tensor.mapFile(join(folder, "none")), /cannot open .*none: No such file/);
  });
  rmSync(folder, { recursive: true });
});

inScope("requiresGrad and grad refuse what cannot be", () => {
  assert.throws(() => Tensor.of([1], { dtype: "int64" }).requiresGrad_(), /Only Tensors of floating point/);
  const x = Tensor.of([1, 2]).requiresGrad_();
  assert.throws(() => {
    x.grad = Tensor.of([1]);
  }, /grad: found \[1\] float32, expected \[2\] float32 like the tensor/);
  assert.throws(() => x.mul(2).requiresGrad_(false), /only be turned off for leaves/);
});
