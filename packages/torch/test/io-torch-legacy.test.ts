import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { FileSource, MemorySource } from "../src/io/byte-source.js";
import { loadCheckpoint, openCheckpoint } from "../src/io/index.js";
import { readTree } from "../src/io/read-tree.js";
import type { TensorRecord } from "../src/io/tensor-record.js";
import { readTorchLegacy } from "../src/io/torch-legacy-reader.js";
import { Problem } from "../src/problem.js";
import type { Tensor } from "../src/tensor.js";
import {
  describeTree,
  fixture,
  legacyOf,
  pickled,
  pythonWith,
  rowMajorBytes,
  runPython,
  temporaryFolder,
} from "./io-helpers.js";

const { text } = pickled;
const python = pythonWith("torch");
const withTorch = { skip: python === undefined ? "no Python with torch to compare with" : false };
const script = fixture("checkpoints.py");

const described = (name: string) => JSON.parse(readFileSync(fixture(name), "utf8"));

test("a file of torch.save before 1.6 reads as torch.load reads it", () => {
  using source = new FileSource(fixture("torch-1.13-legacy.pth"));
  assert.deepEqual(describeTree(readTorchLegacy(source)), described("torch-1.13.json"));
});

test("a training checkpoint reads with its options, NumPy's numbers and arrays", () => {
  using source = new FileSource(fixture("training-1.13.pth"));
  const { format, tree } = readTree(source);
  assert.equal(format, "torch-zip");
  assert.deepEqual(describeTree(tree), described("training-1.13.json"));
});

test("tensors of either form are the same, although the older aligns nothing", () => {
  const values = (name: string) => {
    const { tree, format } = openCheckpoint(fixture(name));
    const found: unknown[] = [];
    const visit = (value: unknown): void => {
      if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) visit(item);
      else if (typeof (value as Tensor | null)?.toNested === "function") found.push((value as Tensor).toNested());
    };
    visit(tree);
    return { format, found };
  };
  const legacy = values("torch-1.13-legacy.pth");
  assert.equal(legacy.format, "torch-legacy");
  assert.ok(legacy.found.length > 30);
  assert.deepEqual(legacy.found, values("torch-1.13.pth").found);
});

test("tensors of an older file share memory, and arrays of NumPy's become tensors", () => {
  const tree = loadCheckpoint(fixture("torch-1.13-legacy.pth")) as Map<string, Tensor[]>;
  const [base, transposed] = tree.get("shared")!;
  base!.fill_(3);
  assert.ok((transposed!.toNested() as number[][]).flat().every((value) => value === 3));
  const training = loadCheckpoint(fixture("training-1.13.pth"), { copy: true }) as Map<string, unknown>;
  assert.deepEqual((training.get("column order") as Tensor).toNested(), [
    [0, 1, 2],
    [3, 4, 5],
  ]);
});

test("what torch.save writes now, in every form and protocol, reads as torch.load reads it", withTorch, (t) => {
  const folder = temporaryFolder(t);
  const described = JSON.parse(runPython(python!, [script, "write-all", folder])) as Record<string, unknown>;
  assert.equal(Object.keys(described).length, 18);
  for (const [name, expected] of Object.entries(described)) {
    using source = new FileSource(join(folder, name));
    const { format, tree } = readTree(source);
    assert.equal(format, name.startsWith("zip") ? "torch-zip" : "torch-legacy", name);
    assert.deepEqual(describeTree(tree), expected, name);
  }
});

const { storage, tensor, tuple, int, list, long, whole } = pickled;
const six = Float32Array.of(1, 2, 3, 4, 5, 6);
const sixBytes = new Uint8Array(six.buffer);
const plainFile = {
  body: tensor(storage("0", int(6), { view: "N" }), [2, 3], [3, 1]),
  storages: [["0", 6n, sixBytes]],
} as const;

function read(parts: Parameters<typeof legacyOf>[0]): TensorRecord {
  return readTorchLegacy(new MemorySource(legacyOf(parts), 'checkpoint "x.pth"')) as TensorRecord;
}

test("a file made by hand reads, whatever stands behind it", () => {
  const record = read(plainFile);
  assert.deepEqual([record.shape, [...rowMajorBytes(record)]], [[2, 3], [...sixBytes]]);
  const longer = Buffer.concat([legacyOf(plainFile), Buffer.from("more")]);
  assert.deepEqual((readTorchLegacy(new MemorySource(longer)) as TensorRecord).shape, [2, 3]);
});

test("a view into a storage, as files from before 0.4 have them, is a part of it", () => {
  const part = (offset: number, length: number) =>
    storage("0", int(6), { view: tuple(text("1"), int(offset), int(length)) });
  const whole = tensor(storage("0", int(6), { view: "N" }), [6], [1]);
  const [base, view] = readTorchLegacy(
    new MemorySource(legacyOf({ ...plainFile, body: list(whole, tensor(part(2, 3), [2], [1], 1)) })),
  ) as unknown as [TensorRecord, TensorRecord];
  assert.equal(view.storage, base.storage);
  assert.deepEqual([...new Float32Array(new Uint8Array(rowMajorBytes(view)).buffer)], [4, 5]);
  const refusal = (body: string) => assert.throws(() => read({ ...plainFile, body }), Problem);
  refusal(tensor(part(2, 3), [3], [1], 1)); // inside the storage, outside its part
  refusal(tensor(part(2, 5), [3], [1]));
  refusal(tensor(part(-1, 3), [1], [1]));
  refusal(tensor(storage("0", int(6), { view: text("x") }), [1], [1]));
});

test("an older file that is damaged or misleads is refused in one sentence", () => {
  const cases: [RegExp, Parameters<typeof legacyOf>[0]][] = [
    [/found protocol version 1002, expected 1001/, { ...plainFile, protocol: 1002 }],
    [/found a file of a big-endian machine/, { ...plainFile, littleEndian: false }],
    [/storage "0" with 7 elements, expected 6/, { ...plainFile, storages: [["0", 7n, sixBytes]] }],
    [/storage "0" with -1 elements, expected 6/, { ...plainFile, storages: [["0", -1n, sixBytes]] }],
    [/storage "0" with 9223372036854775807 elements/, { ...plainFile, storages: [["0", 2n ** 63n - 1n, sixBytes]] }],
    [
      /storage "0" reaching to byte (\d+) of \d+, expected a whole file/,
      { ...plainFile, storages: [["0", 6n, sixBytes.subarray(1)]] },
    ],
    [/no bytes for storage "0"/, { ...plainFile, storages: [] }],
    [/the bytes of a storage that no tensor has/, { ...plainFile, storages: [["1", 6n, sixBytes]] }],
    [/storage "0" twice/, { ...plainFile, keys: list(text("0"), text("0")) }],
    [/a list of storages that is no list/, { ...plainFile, keys: text("0") }],
    [/its list of storages: found a storage, expected plain values/, { ...plainFile, keys: storage("0", int(6)) }],
    [/asks for "os.system"/, { ...plainFile, keys: "cos\nsystem\n" }],
    [/asks for "os.system"/, { ...plainFile, body: `cos\nsystem\n${text("id")}\x85R` }],
    [
      /asks for "__main__.Net"/,
      { ...plainFile, body: `(${text("module")}c__main__\nNet\n${text("net.py")}${text("")}tQ` },
    ],
    [
      /storages of \d+ bytes or more in \d+, expected a whole file/,
      { ...plainFile, body: tensor(storage("0", int(2 ** 31 - 1)), [2], [1]) },
    ],
    [/storage "0" of -6 elements/, { ...plainFile, body: tensor(storage("0", int(-6)), [2], [1]) }],
    [
      /storage "0" of 9223372036854775808 elements/,
      { ...plainFile, body: tensor(storage("0", long(2n ** 63n)), [2], [1]) },
    ],
    [/storages of \d+ bytes or more/, { ...plainFile, body: tensor(storage("0", long(2n ** 53n - 1n)), [2], [1]) }],
    [
      /both as 24 bytes of float32 and 24 of float64/,
      { ...plainFile, body: list(storage("0", int(6)), storage("0", int(3), { type: "DoubleStorage" })) },
    ],
    [/every element inside the storage/, { ...plainFile, body: tensor(storage("0", int(6)), [2, 3], [4, 1]) }],
    [
      /shape \[2147483647\] and stride \[0\] over 6 elements/,
      { ...plainFile, body: tensor(storage("0", int(6)), [2 ** 31 - 1], [0]) },
    ],
  ];
  for (const [expected, parts] of cases) {
    assert.throws(
      () => read(parts),
      (error) =>
        error instanceof Problem && error.message.startsWith('checkpoint "x.pth"') && expected.test(error.message),
      String(expected),
    );
  }
  const file = legacyOf(plainFile);
  for (let length = 0; length < file.length; length++)
    assert.throws(
      () => readTorchLegacy(new MemorySource(file.subarray(0, length))),
      Problem,
      `cut after ${length} bytes`,
    );
  assert.throws(() => readTorchLegacy(new MemorySource(Buffer.from(whole(int(7)), "latin1"))), /another magic number/);
});
