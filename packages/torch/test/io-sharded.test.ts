import assert from "node:assert/strict";
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CheckpointFile, openCheckpoint, type StoredTensor, saveCheckpoint, saveSafetensors } from "../src/io/index.js";
import { Problem } from "../src/problem.js";
import { Tensor } from "../src/tensor.js";
import { temporaryFolder } from "./io-helpers.js";

const first = "model-00001-of-00002.safetensors";
const second = "model-00002-of-00002.safetensors";
const weightMap = { "layer.bias": second, "layer.weight": first, norm: second };

/** A model of three tensors in two files, with an index. */
function model(t: TestContext, map: object = weightMap): string {
  const folder = temporaryFolder(t);
  const weight = Tensor.of([
    [1, 2, 3],
    [4, 5, 6],
  ]);
  saveSafetensors(join(folder, first), { "layer.weight": weight });
  saveSafetensors(join(folder, second), { norm: Tensor.of([7]), "layer.bias": Tensor.of([8, 9]) }, { format: "pt" });
  index(folder, map);
  return folder;
}

function index(folder: string, map: unknown, name = "model.safetensors.index.json"): void {
  writeFileSync(join(folder, name), JSON.stringify({ metadata: { total_size: 36 }, weight_map: map }, null, 2));
}

const values = (tree: unknown) => [...(tree as Map<string, Tensor>)].map(([name, tensor]) => [name, tensor.toNested()]);
const expected = [
  ["layer.bias", [8, 9]],
  [
    "layer.weight",
    [
      [1, 2, 3],
      [4, 5, 6],
    ],
  ],
  ["norm", [7]],
];

function refusal(path: string): string {
  try {
    openCheckpoint(path);
  } catch (error) {
    assert.ok(error instanceof Problem, `not a Problem: ${(error as Error).stack}`);
    return error.message;
  }
  return assert.fail("it was read");
}

test("an index, whatever it is called, and a folder with one read as one dictionary in the index's order", (t) => {
  const folder = model(t);
  for (const path of [folder, join(folder, "model.safetensors.index.json")]) {
    const { format, tree, metadata } = openCheckpoint(path);
    assert.deepEqual([format, values(tree), [...metadata]], ["safetensors", expected, [["total_size", "36"]]]);
  }
  renameSync(join(folder, "model.safetensors.index.json"), join(folder, "weights.pth"));
  assert.deepEqual(values(openCheckpoint(join(folder, "weights.pth")).tree), expected);
});

test("a folder with one file of weights reads as that file, an index goes before it", (t) => {
  const folder = temporaryFolder(t);
  saveCheckpoint(join(folder, "pytorch_model.bin"), { a: Tensor.of([1]) });
  assert.equal(openCheckpoint(folder).format, "torch-zip");
  saveSafetensors(join(folder, "model.safetensors"), { a: Tensor.of([2]) });
  assert.equal(openCheckpoint(folder).format, "safetensors");
  index(folder, { a: "model.safetensors" });
  assert.equal(openCheckpoint(folder).metadata.get("total_size"), "36");
  assert.match(
    refusal(temporaryFolder(t)),
    /a folder without weights, expected one of model\.safetensors\.index\.json/,
  );
});

test("shards of PyTorch's form read the same way", (t) => {
  const folder = temporaryFolder(t);
  saveCheckpoint(join(folder, "a.bin"), {
    "layer.weight": Tensor.of([
      [1, 2, 3],
      [4, 5, 6],
    ]),
  });
  saveCheckpoint(join(folder, "b.bin"), { norm: Tensor.of([7]), "layer.bias": Tensor.of([8, 9]) });
  index(folder, { "layer.bias": "b.bin", "layer.weight": "a.bin", norm: "b.bin" }, "pytorch_model.bin.index.json");
  const { format, tree } = openCheckpoint(folder);
  assert.deepEqual([format, values(tree)], ["torch-zip", expected]);
});

test("shards held open read tensor by tensor, links included", (t) => {
  const folder = model(t);
  mkdirSync(join(folder, "snapshot"));
  for (const name of [first, second, "model.safetensors.index.json"])
    symlinkSync(join(folder, name), join(folder, "snapshot", name));
  using file = new CheckpointFile(join(folder, "snapshot"));
  const read = [...(file.tree as Map<string, StoredTensor>)].map(([name, stored]) => [name, stored.read().toNested()]);
  assert.deepEqual(read, expected);
  assert.ok(file.size > 36);
  file.assertUnchanged();
  saveSafetensors(join(folder, "unrelated.safetensors"), { a: Tensor.of([1]) });
  writeFileSync(join(folder, second), "overwritten");
  assert.throws(() => file.assertUnchanged(), /model-00002-of-00002\.safetensors": found a file that was written to/);
});

test("missing files are listed with what to do", (t) => {
  const folder = model(t, { ...weightMap, other: "model-00003-of-00003.safetensors" });
  rmSync(join(folder, first));
  assert.equal(
    refusal(folder),
    `checkpoint "${join(folder, "model.safetensors.index.json")}": found 1 of its 3 files, expected all of them. ` +
      `Fetch ${first}, model-00003-of-00003.safetensors into "${folder}".`,
  );
});

test("an index that does not fit its files is refused", (t) => {
  const cases: [RegExp, unknown][] = [
    [/no tensor "layer.weight" in model-00002/, { ...weightMap, "layer.weight": second }],
    [/no tensor "other" in model-00001/, { ...weightMap, other: first }],
    [
      /tensor "norm" in model-00002-of-00002.safetensors, expected those of the index only/,
      { "layer.bias": second, "layer.weight": first },
    ],
    [/an index without a weight_map/, {}],
    [/an index without a weight_map/, [first]],
  ];
  for (const [expected, map] of cases) assert.match(refusal(model(t, map as object)), expected);
  const folder = model(t);
  saveCheckpoint(join(folder, second), { norm: Tensor.of([7]), "layer.bias": Tensor.of([8, 9]) });
  assert.match(refusal(folder), /files of torch-zip and safetensors|files of safetensors and torch-zip/);
  saveCheckpoint(join(folder, second), { norm: Tensor.of([7]), epoch: 3 });
  assert.match(refusal(folder), /model-00002-of-00002\.safetensors": found more than tensors by name/);
  index(folder, weightMap, second);
  assert.match(refusal(folder), /found an index of several files, expected one with weights in it/);
  writeFileSync(join(folder, "model.safetensors.index.json"), `{"weight_map": {"a": "${first}", "a": "${first}"}}`);
  assert.match(refusal(folder), /the name "a" twice/);
  writeFileSync(join(folder, "model.safetensors.index.json"), '{"weight_map": ');
  assert.match(refusal(folder), /text that is no JSON/);
});

test("an index may not lead out of its folder", (t) => {
  const outside = temporaryFolder(t);
  saveSafetensors(join(outside, "secret.safetensors"), { secret: Tensor.of([1]) });
  const names = [
    "../secret.safetensors",
    join(outside, "secret.safetensors"),
    "..",
    ".",
    "",
    "a/../b",
    "a\\b",
    "a\0",
    7,
    null,
  ];
  for (const name of names) {
    const message = refusal(model(t, { ...weightMap, secret: name }));
    assert.match(message, /tensor "secret": found the file .*, expected a file's name in the same folder/);
  }
  const many = Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`t${i}`, `${i}.safetensors`]));
  assert.match(refusal(model(t, many)), /1001 files, expected at most 1000/);
});
