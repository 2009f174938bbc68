import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MemorySink } from "../src/io/byte-sink.js";
import { FileSource, MemorySource } from "../src/io/byte-source.js";
import { crc32, crc32ByTable } from "../src/io/crc32.js";
import { elementBytes, STORED_DTYPES } from "../src/io/dtypes.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import { readTorchArchive } from "../src/io/torch-archive-reader.js";
import { TorchLiteral, type Tree, Tuple } from "../src/io/tree.js";
import { readEntry, readZipDirectory } from "../src/io/zip-reader.js";
import { ZipWriter } from "../src/io/zip-writer.js";
import {
  archiveOf,
  describeTree,
  fixture,
  floats,
  memoryStorage,
  pythonWith,
  runPython,
  temporaryFolder,
} from "./io-helpers.js";

const python = pythonWith("torch");
const withTorch = { skip: python === undefined ? "no Python with torch to compare with" : false };
const script = fixture("checkpoints.py");

/** Everything `weights_only=True` of torch 1.13 knows: no floats outside tensors, no bytes. */
function stateDict(): Tree {
  const bytes = Uint8Array.from({ length: 48 }, (_, i) => (i % 5 === 0 ? 1 : 0));
  const byDtype = STORED_DTYPES.map((dtype) => {
    const storage = memoryStorage(dtype, bytes.subarray(0, 6 * elementBytes(dtype)));
    return [dtype, new TensorRecord({ dtype, shape: [2, 3], storage })] as const;
  });
  const shared = floats(
    [4, 6],
    Array.from({ length: 24 }, (_, i) => i / 8),
  ).storage;
  const view = (shape: number[], stride: number[], offset: number) =>
    new TensorRecord({ dtype: "float32", shape, stride, offset, storage: shared });
  return new Map<string | number, Tree>([
    ["dtypes", new Map(byDtype)],
    ["scalar", floats([], [-1.5])],
    ["empty", floats([0, 3], [])],
    ["views", [view([4, 6], [6, 1], 0), view([6, 4], [1, 6], 0), view([2, 3], [6, 2], 6), view([], [], 16)]],
    ["parameter", new TensorRecord({ ...floats([1, 1], [0.25]), requiresGrad: true, parameter: true })],
    [
      "integers",
      [0, 255, 256, -1, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1, 2n ** 70n, -(2n ** 63n)],
    ],
    ["plain", [null, true, false, "Straße", "", [], new Tuple(), new Map(), Tuple.of<Tree>(Tuple.of(1), 2, 3, 4)]],
    [3, "an integer key"],
  ]);
}

test("a file of torch.save reads as torch.load reads it", () => {
  using source = new FileSource(fixture("torch-1.13.pth"));
  const expected = JSON.parse(readFileSync(fixture("torch-1.13.json"), "utf8"));
  assert.deepEqual(describeTree(readTorchArchive(source)), expected);
});

test("what was read is written and read again unchanged", () => {
  using source = new FileSource(fixture("torch-1.13.pth"));
  const tree = readTorchArchive(source);
  const again = readTorchArchive(new MemorySource(archiveOf(tree)));
  assert.deepEqual(describeTree(again), describeTree(tree));
});

test("every value a state dict may hold survives", () => {
  const tree = stateDict();
  assert.deepEqual(describeTree(readTorchArchive(new MemorySource(archiveOf(tree)))), describeTree(tree));
});

test("floats, sets, dtypes and devices survive", () => {
  const tree: Tree = [
    0.1,
    -0,
    Number.NaN,
    -Infinity,
    1e300,
    new Set(["a", 2]),
    new TorchLiteral("dtype", "int64"),
    new TorchLiteral("device", "cuda:1"),
  ];
  assert.deepEqual(readTorchArchive(new MemorySource(archiveOf(tree))), tree);
});

test("a plain object is written as a dictionary of text keys, without its undefined fields", () => {
  const tree = readTorchArchive(new MemorySource(archiveOf({ epoch: 3, none: undefined, state: { 0: { step: 1 } } })));
  assert.deepEqual(
    tree,
    new Map<string, unknown>([
      ["epoch", 3],
      ["state", new Map([["0", new Map([["step", 1]])]])],
    ]),
  );
});

test("two tensors on one storage are one storage in the file", () => {
  const bytes = archiveOf(stateDict());
  const entries = readZipDirectory(new MemorySource(bytes));
  const storages = [...entries.keys()].filter((name) => name.startsWith("archive/data/"));
  assert.equal(storages.length, STORED_DTYPES.length + 4); // scalar, empty, the four views' one, the parameter's
  const views = (readTorchArchive(new MemorySource(bytes)) as Map<string, TensorRecord[]>).get("views")!;
  assert.equal(new Set(views.map((view) => view.storage)).size, 1);
});

test("the bytes of every entry begin at a multiple of 64", () => {
  const entries = [...readZipDirectory(new MemorySource(archiveOf(stateDict()))).values()];
  assert.ok(entries.length > 10);
  for (const { name, byteOffset } of entries) assert.equal(byteOffset % 64, 0, name);
});

test("torch.load(weights_only=True) reads what is written here", withTorch, (t) => {
  const path = join(temporaryFolder(t), "ours.pth");
  writeFileSync(path, archiveOf(stateDict()));
  assert.deepEqual(JSON.parse(runPython(python!, [script, "describe-safe", path])), describeTree(stateDict()));
});

test("torch.load reads a training checkpoint written here", withTorch, (t) => {
  const path = join(temporaryFolder(t), "ours.pth");
  using source = new FileSource(fixture("torch-1.13.pth"));
  const tree = readTorchArchive(source);
  writeFileSync(path, archiveOf(tree));
  assert.deepEqual(JSON.parse(runPython(python!, [script, "describe", path])), describeTree(tree));
});

test("a file that torch.save writes now reads as torch.load reads it", withTorch, (t) => {
  const path = join(temporaryFolder(t), "theirs.pth");
  runPython(python!, [script, "write", path]);
  using source = new FileSource(path);
  assert.deepEqual(describeTree(readTorchArchive(source)), JSON.parse(runPython(python!, [script, "describe", path])));
});

test("zip64 numbers are written and read", (t) => {
  const sink = new MemorySink();
  const zip = new ZipWriter(sink, { wideFrom: 3 });
  zip.add("archive/first", 2, [Buffer.from("ab")]);
  zip.add("archive/second", 5, [Buffer.from("cd"), Buffer.from("efg")]);
  zip.finish();
  const source = new MemorySource(sink.bytes());
  const read = [...readZipDirectory(source).values()].map((entry) => Buffer.from(readEntry(source, entry)).toString());
  assert.deepEqual(read, ["ab", "cdefg"]);
  if (python === undefined) return t.diagnostic("not compared with Python's zipfile: no Python");
  const path = join(temporaryFolder(t), "wide.zip");
  writeFileSync(path, sink.bytes());
  const code =
    "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); print(z.testzip(), [z.read(n) for n in z.namelist()])";
  assert.equal(runPython(python, ["-c", code, path]).trim(), "None [b'ab', b'cdefg']");
});

test("CRC-32 has its published check value, whole and in pieces", () => {
  const bytes = Buffer.from("123456789");
  for (const crc of [crc32, crc32ByTable]) {
    assert.equal(crc(bytes), 0xcbf43926);
    assert.equal(crc(bytes.subarray(4), crc(bytes.subarray(0, 4))), 0xcbf43926);
  }
});
