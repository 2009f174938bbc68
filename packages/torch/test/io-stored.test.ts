import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  CheckpointFile,
  type Dtype,
  liveTensors,
  nn,
  StoredTensor,
  saveCheckpoint,
  saveSafetensors,
  scope,
  Tensor,
  zeros,
} from "../src/index.js";
import { temporaryFolder } from "./io-helpers.js";

const dtypes = [
  "float64",
  "float32",
  "float16",
  "bfloat16",
  "int64",
  "int32",
  "int16",
  "int8",
  "uint8",
  "bool",
] as const;

/** [3, 5] of whole numbers that every dtype holds. */
const values = (dtype: Dtype) =>
  Tensor.from(
    Float32Array.from({ length: 15 }, (_, i) => (dtype === "bool" ? i % 2 : i)),
    [3, 5],
  ).to({ dtype });

function stored(file: CheckpointFile, name: string): StoredTensor {
  const tensor = (file.tree as ReadonlyMap<string, unknown>).get(name);
  assert.ok(tensor instanceof StoredTensor);
  return tensor;
}

for (const form of ["archive", "safetensors"] as const)
  test(`${form}: every dtype is read back, and into every other`, (t) => {
    const path = join(temporaryFolder(t), "tensors");
    scope(() => {
      const state = new Map<string, Tensor>(dtypes.map((dtype) => [dtype, values(dtype)]));
      if (form === "archive") saveCheckpoint(path, state);
      else saveSafetensors(path, state);
      using file = new CheckpointFile(path);
      for (const dtype of dtypes) {
        const one = stored(file, dtype);
        assert.deepEqual([one.shape, one.dtype, one.numel], [[3, 5], dtype, 15]);
        assert.ok(one.read().equal(state.get(dtype)!), dtype);
        for (const other of dtypes) {
          const target = zeros([3, 5], { dtype: other });
          one.copyTo(target);
          assert.ok(target.equal(state.get(dtype)!.to({ dtype: other })), `${dtype} into ${other}`);
        }
      }
    });
  });

test("views: transposed, expanded, a part of a storage, none at all, a single number; into a target that is strided itself", (t) => {
  const path = join(temporaryFolder(t), "views");
  scope(() => {
    const base = values("float32");
    const cases = {
      base,
      transposed: base.t(),
      row: base.narrow(0, 1, 1),
      column: base.narrow(1, 2, 2),
      expanded: base.narrow(0, 2, 1).expand([4, 5]),
      none: zeros([0, 5]),
      number: Tensor.of(7),
    };
    saveCheckpoint(path, cases);
    using file = new CheckpointFile(path);
    for (const [name, tensor] of Object.entries(cases)) {
      assert.ok(stored(file, name).read().equal(tensor), name);
      if (tensor.rank !== 2) continue;
      const target = zeros([tensor.size(1), tensor.size(0)]).t();
      stored(file, name).copyTo(target);
      assert.ok(target.equal(tensor), `${name}, strided target`);
    }
    assert.throws(() => stored(file, "base").copyTo(zeros([5, 3])), /found \[3, 5\], expected \[5, 3\]/);
  });
});

test("tensors larger than the buffer are converted piece by piece", (t) => {
  const path = join(temporaryFolder(t), "large");
  scope(() => {
    const length = 5 * 1024 * 1024 + 3;
    const large = Tensor.from(
      Float32Array.from({ length }, (_, i) => i % 2039),
      [length],
    ).to({ dtype: "float16" });
    saveSafetensors(path, { large });
    using file = new CheckpointFile(path);
    const target = zeros([length]);
    stored(file, "large").copyTo(target);
    assert.ok(target.equal(large.to({ dtype: "float32" })));
  });
});

test("a network is filled from the file, and no tensor is left over", (t) => {
  const path = join(temporaryFolder(t), "linear");
  using source = new nn.Linear(5, 3);
  saveCheckpoint(path, source.stateDict());
  using net = new nn.Linear(5, 3);
  const before = liveTensors().count;
  {
    using file = new CheckpointFile(path);
    net.loadStateDict(file.tree as ReadonlyMap<string, StoredTensor>);
    assert.equal(net.weight.requiresGrad, true);
  }
  assert.equal(liveTensors().count, before);
  assert.ok(net.weight.equal(source.weight) && net.bias!.equal(source.bias!));
});

test("what is loaded stays when the file is written to; a replaced file is read as it was; a cut one is a Problem", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "weights");
  const other = join(folder, "other");
  scope(() => {
    saveSafetensors(path, { a: values("float32"), b: values("float32") });
    saveSafetensors(other, { a: zeros([3, 5]), b: zeros([3, 5]) });
    const target = zeros([3, 5]);
    {
      using file = new CheckpointFile(path);
      stored(file, "a").copyTo(target);
      file.assertUnchanged();
      writeFileSync(path, readFileSync(other));
      assert.ok(target.equal(values("float32")));
      assert.throws(() => file.assertUnchanged(), /found a file that was written to while it was read/);
    }
    saveSafetensors(path, { a: values("float32"), b: values("float32") });
    {
      using file = new CheckpointFile(path);
      copyFileSync(other, `${other}2`);
      renameSync(`${other}2`, path);
      assert.ok(stored(file, "b").read().equal(values("float32")));
      file.assertUnchanged();
    }
    {
      using file = new CheckpointFile(other);
      truncateSync(other, 100);
      assert.throws(() => stored(file, "b").read(), {
        name: "Problem",
        message: /found an end after \d+ bytes, expected/,
      });
    }
  });
});

test("a damaged archive is refused before a tensor is read, unless asked not to look", (t) => {
  const path = join(temporaryFolder(t), "archive");
  scope(() => saveCheckpoint(path, { a: values("float32") }));
  const bytes = readFileSync(path);
  const at = bytes.indexOf(Buffer.from(Float32Array.of(11, 12, 13).buffer));
  assert.ok(at > 0);
  bytes[at]! ^= 1;
  writeFileSync(path, bytes);
  assert.throws(() => new CheckpointFile(path), { name: "Problem", message: /CRC/i });
  using file = new CheckpointFile(path, { verify: false });
  assert.equal(file.size, bytes.length);
  appendFileSync(path, "x");
});
