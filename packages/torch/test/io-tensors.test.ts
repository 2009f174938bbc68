import assert from "node:assert/strict";
import { copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { STORED_DTYPES, type StoredDtype } from "../src/io/dtypes.js";
import {
  loadCheckpoint,
  loadSafetensors,
  loadStateDict,
  openCheckpoint,
  saveCheckpoint,
  saveSafetensors,
  Tuple,
  type WritableTree,
} from "../src/io/index.js";
import { planStorages } from "../src/io/storage-plan.js";
import { native } from "../src/native.js";
import { Problem } from "../src/problem.js";
import { scope } from "../src/scope.js";
import { Tensor } from "../src/tensor.js";
import { fixture, temporaryFolder } from "./io-helpers.js";

type Dict = Map<string, unknown>;

const address = (tensor: Tensor) => `${native().storage(tensor.id).key}+${native().storageOffset(tensor.id)}`;
const bytesOf = (tensor: Tensor) => Buffer.from(scope(() => tensor.contiguous()).bytes()).toString("hex");

/** The tree in the words of `torch-1.13.json`, as far as tensors show them. */
function tensorsOf(value: unknown, path = "", found = new Map<string, Tensor>()): Map<string, Tensor> {
  if (value instanceof Tensor) found.set(path, value);
  else if (value instanceof Map) for (const [key, item] of value) tensorsOf(item, `${path}/${key}`, found);
  else if (Array.isArray(value)) for (const [key, item] of value.entries()) tensorsOf(item, `${path}/${key}`, found);
  return found;
}

interface Described {
  dict?: [string | { number: string }, Described][];
  list?: Described[];
  tuple?: Described[];
  tensor?: string;
  shape?: number[];
  stride?: number[];
  bytes?: string;
}

function expectedTensors(value: Described, path = "", found = new Map<string, Described>()): Map<string, Described> {
  if (value?.tensor !== undefined) found.set(path, value);
  for (const [key, item] of value?.dict ?? []) {
    const name = typeof key === "string" ? key : Buffer.from(key.number, "hex").readDoubleBE();
    expectedTensors(item, `${path}/${name}`, found);
  }
  for (const [key, item] of (value?.list ?? value?.tuple ?? []).entries())
    expectedTensors(item, `${path}/${key}`, found);
  return found;
}

test("tensors of a file of torch.save have its dtypes, shapes, strides and bits", () => {
  const found = tensorsOf(loadCheckpoint(fixture("torch-1.13.pth")));
  const expected = expectedTensors(JSON.parse(readFileSync(fixture("torch-1.13.json"), "utf8")));
  assert.deepEqual([...found.keys()], [...expected.keys()]);
  assert.ok(found.size > 30);
  for (const [path, { tensor: dtype, shape, stride, bytes }] of expected) {
    const tensor = found.get(path)!;
    assert.deepEqual(
      { dtype: tensor.dtype, shape: tensor.shape, stride: tensor.strides, bytes: bytesOf(tensor) },
      { dtype, shape, stride, bytes },
      path,
    );
  }
});

for (const copy of [false, true]) {
  test(`every dtype survives both formats, ${copy ? "copied" : "mapped"}`, (t) => {
    const folder = temporaryFolder(t);
    const values = [
      [0, 1, 7],
      [0, 100, 1],
    ];
    const made = new Map(STORED_DTYPES.map((dtype) => [dtype as string, Tensor.of(values, { dtype })]));
    made.set("scalar", Tensor.of(-1.5));
    made.set("empty", Tensor.of([[], []]));
    made.set("transposed", Tensor.of(values).transpose(0, 1));
    saveCheckpoint(join(folder, "a.pth"), made);
    saveSafetensors(join(folder, "a.safetensors"), made);
    const archives = [
      loadCheckpoint(join(folder, "a.pth"), { copy }) as Map<string, Tensor>,
      loadSafetensors(join(folder, "a.safetensors"), { copy }),
    ];
    for (const loaded of archives) {
      assert.deepEqual([...loaded.keys()], [...made.keys()]);
      for (const [name, tensor] of made) {
        assert.equal(loaded.get(name)!.dtype, tensor.dtype);
        assert.deepEqual(loaded.get(name)!.shape, tensor.shape, name);
        assert.equal(bytesOf(loaded.get(name)!), bytesOf(tensor), name);
      }
    }
    assert.deepEqual((archives[0]!.get("transposed") as Tensor).strides, [1, 3]);
    assert.deepEqual((archives[1]!.get("transposed") as Tensor).strides, [2, 1]);
  });
}

test("shared memory stays shared through a file, and a write to one tensor is seen in the other", (t) => {
  const path = join(temporaryFolder(t), "tied.pth");
  const base = Tensor.of([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  saveCheckpoint(path, {
    base,
    again: base,
    handle: base.alias(),
    column: base.narrow(1, 1, 1),
    other: Tensor.of([9]),
  });
  const read = loadCheckpoint(path) as Map<string, Tensor>;
  const key = (name: string) => native().storage(read.get(name)!.id).key;
  assert.equal(address(read.get("again")!), address(read.get("base")!));
  assert.equal(key("column"), key("base"));
  read.get("base")!.fill_(7);
  assert.deepEqual(read.get("column")!.toNested(), [[7], [7]]);
  assert.deepEqual(read.get("handle")!.toNested(), [
    [7, 7, 7],
    [7, 7, 7],
  ]);
  assert.deepEqual(read.get("other")!.toNested(), [9]);
});

test("writing to a loaded tensor never reaches the file", (t) => {
  const path = join(temporaryFolder(t), "a.safetensors");
  saveSafetensors(path, { a: Tensor.of([1, 2]) });
  const before = readFileSync(path);
  loadSafetensors(path).get("a")!.fill_(5);
  assert.deepEqual(readFileSync(path), before);
});

test("a checkpoint may be saved over the file its tensors are mapped from", (t) => {
  const path = join(temporaryFolder(t), "a.pth");
  const size = 3 << 20; // more than one piece of 8 MiB
  saveCheckpoint(path, {
    a: Tensor.from(
      Float32Array.from({ length: size }, (_, i) => i),
      [size],
    ),
    b: Tensor.of([1, 2, 3]),
  });
  const loaded = loadCheckpoint(path) as Map<string, Tensor>;
  loaded.get("b")!.fill_(4);
  saveCheckpoint(path, loaded);
  const again = loadCheckpoint(path) as Map<string, Tensor>;
  assert.deepEqual(again.get("b")!.toNested(), [4, 4, 4]);
  assert.ok(
    again
      .get("a")!
      .data()
      .every((value, i) => value === i),
  );
});

test("a slice of a large tensor, or of a mapped file, takes only itself along", (t) => {
  const folder = temporaryFolder(t);
  const large = Tensor.of(0).expand([1000, 1000]).contiguous();
  saveCheckpoint(join(folder, "large.pth"), { large });
  const mapped = (loadCheckpoint(join(folder, "large.pth")) as Map<string, Tensor>).get("large")!;
  for (const [name, tensor] of Object.entries({ column: large.narrow(1, 3, 1), rows: mapped.narrow(0, 2, 2) })) {
    saveCheckpoint(join(folder, `${name}.pth`), { tensor });
    assert.ok(statSync(join(folder, `${name}.pth`)).size < 10_000, name);
    assert.deepEqual(
      (loadCheckpoint(join(folder, `${name}.pth`)) as Map<string, Tensor>).get("tensor")!.shape,
      tensor.shape,
    );
  }
});

test("what needs grad is saved as its values, without a graph", (t) => {
  const path = join(temporaryFolder(t), "a.pth");
  saveCheckpoint(path, { weight: Tensor.of([1, 2]).requiresGrad_() });
  const weight = (loadCheckpoint(path) as Map<string, Tensor>).get("weight")!;
  assert.deepEqual([weight.requiresGrad, weight.toNested()], [false, [1, 2]]);
});

test("a training checkpoint survives with its numbers, text and tuples", (t) => {
  const path = join(temporaryFolder(t), "train.pth");
  const tree: WritableTree<Tensor> = {
    epoch: 3,
    best: 0.4375,
    recipe: { name: "paper", size: Tuple.of(1024, 512) },
    optimizer: {
      state: new Map([[0, { step: 12, exp_avg: Tensor.of([0.5]) }]]),
      param_groups: [{ lr: 1e-4, params: [0] }],
    },
  };
  saveCheckpoint(path, tree);
  const read = loadCheckpoint(path) as Map<string, Dict>;
  assert.equal(read.get("best"), 0.4375);
  assert.deepEqual(read.get("recipe")!.get("size"), Tuple.of(1024, 512));
  const [state] = (read.get("optimizer")!.get("state") as Map<number, Map<string, Tensor>>).entries();
  assert.deepEqual([state![0], state![1].get("step"), state![1].get("exp_avg")!.toNested()], [0, 12, [0.5]]);
  assert.deepEqual(read.get("optimizer")!.get("param_groups"), [
    new Map<string, unknown>([
      ["lr", 1e-4],
      ["params", [0]],
    ]),
  ]);
});

test("a bool of a file is 0 or 1, whatever its byte", (t) => {
  const path = join(temporaryFolder(t), "a.safetensors");
  saveSafetensors(path, { flags: Tensor.of([0, 1, 1], { dtype: "bool" }) });
  const bytes = readFileSync(path);
  bytes[bytes.length - 1] = 77;
  writeFileSync(path, bytes);
  assert.equal(bytesOf(loadSafetensors(path).get("flags")!), "000101");
});

test("a tensor that is not aligned in its file is copied", (t) => {
  const path = join(temporaryFolder(t), "a.safetensors");
  const header = '{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}'; // 54 bytes: the data begins at 62
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, Buffer.from(header), Buffer.from(Float32Array.of(1, -2).buffer)]));
  assert.deepEqual(loadSafetensors(path).get("w")!.toNested(), [1, -2]);
});

test("the format is recognised by content, not by name", (t) => {
  const folder = temporaryFolder(t);
  saveSafetensors(join(folder, "a.pth"), { a: Tensor.of([1]) }, { note: "x" });
  copyFileSync(fixture("torch-1.13.pth"), join(folder, "b.safetensors"));
  const { format, metadata } = openCheckpoint(join(folder, "a.pth"));
  assert.deepEqual([format, [...metadata]], ["safetensors", [["note", "x"]]]);
  assert.equal(openCheckpoint(join(folder, "b.safetensors")).format, "torch-zip");
  assert.throws(
    () => loadSafetensors(join(folder, "b.safetensors")),
    /found a PyTorch archive, expected a safetensors file\. Use openCheckpoint/,
  );
  assert.throws(() => loadCheckpoint(join(folder, "a.pth")), /found a safetensors file, expected a PyTorch archive/);
});

test("loading and saving leave no tensor behind", (t) => {
  const path = join(temporaryFolder(t), "a.pth");
  const pass = () =>
    scope(() => {
      const tree = loadCheckpoint(fixture("torch-1.13.pth"));
      saveCheckpoint(path, tree);
      saveSafetensors(path, { a: tensorsOf(tree).get("/channels last")! });
    });
  pass();
  const before = native().liveTensors().count;
  for (let i = 0; i < 5; i++) pass();
  assert.equal(native().liveTensors().count, before);
});

test("tensors that cannot be saved leave the old file", (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "a.pth");
  saveCheckpoint(path, { a: Tensor.of([1]) });
  const gone = Tensor.of([1]);
  gone.dispose();
  const complex = Tensor.of([1]).to({ dtype: "complex64" });
  assert.throws(
    () => saveCheckpoint(path, { gone }),
    (error) => error instanceof Problem && /a tensor that was disposed/.test(error.message),
  );
  assert.throws(() => saveCheckpoint(path, { complex }), /a tensor of complex64, expected one of float64/);
  assert.throws(() => saveSafetensors(path, { complex }), /saving tensor "complex": found a tensor of complex64/);
  assert.throws(
    () => saveCheckpoint(path, { a: Tensor.of([1]), when: new Date(0) as never }),
    /key "when": found an object of class Date/,
  );
  assert.deepEqual((loadCheckpoint(path) as Map<string, Tensor>).get("a")!.toNested(), [1]);
  assert.deepEqual(readdirSync(folder), ["a.pth"]);
});

test("storages: overlap is kept together, gaps and other dtypes are not", () => {
  const span = (
    offset: number,
    shape: number[],
    stride: number[],
    dtype: StoredDtype = "float32",
    storageKey = "s",
  ) => ({ storageKey, dtype, shape, stride, offset });
  const plan = planStorages([
    span(10, [4], [1]), // with the next
    span(12, [2, 2], [3, 1]),
    span(14, [2], [1], "float32", "another"),
    span(40, [3], [5]), // alone, with gaps
    span(0, [10], [1]), // touches the first without overlap
    span(10, [4], [1], "int32"), // the same bytes as another dtype
    span(99, [0, 3], [3, 1]),
    span(60, [3, 2], [0, 1]), // expanded: fewer elements than it shows
  ]);
  assert.deepEqual(
    plan.map(({ tensors, start, length, compact }) => [tensors.join("+"), start, length, compact]),
    [
      ["0+1", 10, 7, false],
      ["2", 14, 2, false],
      ["3", 40, 3, true],
      ["4", 0, 10, false],
      ["5", 10, 4, false],
      ["6", 0, 0, false],
      ["7", 60, 2, false],
    ],
  );
});

test("a state dict comes from either format, or from a place inside a training checkpoint", (t) => {
  const folder = temporaryFolder(t);
  const weights = { "conv.weight": Tensor.of([1, 2]), "conv.bias": Tensor.of([3]) };
  saveCheckpoint(join(folder, "a.pth"), weights);
  saveSafetensors(join(folder, "a.safetensors"), weights);
  saveCheckpoint(join(folder, "b.pth"), { epoch: 1, model: weights, optimizer: {} });
  const places: [string, string[]][] = [
    ["a.pth", []],
    ["a.safetensors", []],
    ["b.pth", ["model"]],
  ];
  for (const [name, at] of places) {
    const read = loadStateDict(join(folder, name), { at });
    assert.deepEqual(
      [...read].map(([key, tensor]) => [key, tensor.toNested()]),
      [
        ["conv.weight", [1, 2]],
        ["conv.bias", [3]],
      ],
    );
  }
  const whole = () => loadStateDict(join(folder, "b.pth"));
  assert.throws(
    whole,
    /a dictionary of 3 keys: "epoch", "model", "optimizer", expected tensors by name\. Name the one that holds the weights: "model", "optimizer"\./,
  );
  assert.throws(() => loadStateDict(join(folder, "b.pth"), { at: ["ema"] }), /expected a key "ema"/);
  assert.throws(
    () => loadStateDict(join(folder, "b.pth"), { at: ["epoch"] }),
    /at "epoch": found no dictionary, expected tensors by name/,
  );
});
