import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MemorySource } from "../src/io/byte-source.js";
import { readStorageId } from "../src/io/persistent-id.js";
import { StorageHandle } from "../src/io/pickle-globals.js";
import { readPickle } from "../src/io/pickle-reader.js";
import { readTree } from "../src/io/read-tree.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import { readTorchArchive } from "../src/io/torch-archive-reader.js";
import type { Tuple } from "../src/io/tree.js";
import { readEntry, readZipDirectory } from "../src/io/zip-reader.js";
import { anyBytes, anyPickledNumber, anySwap, fuzz } from "./fuzz.js";
import { fixture, zipOf } from "./io-helpers.js";

// Files of torch.save, with many tensors, read in memory; io-fuzz-files.test.ts takes small files the whole way, to the tensors' elements.

/** Walks every tensor's bytes' bounds as a user of the tree would. */
function checkTensors(value: unknown): void {
  if (value instanceof TensorRecord) for (const chunk of value.storage.chunks()) assert.ok(chunk.length >= 0);
  else if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) checkTensors(item);
}

for (const [name, times] of [
  ["torch-1.13.pth", 2000],
  ["torch-1.13-legacy.pth", 4000],
  ["training-1.13.pth", 2000],
] as const) {
  test(`mutations of ${name} are read or refused, never worse`, (t) => {
    const file = readFileSync(fixture(name));
    const { refused } = fuzz(t, file, times, [anyBytes, anySwap], (bytes) =>
      checkTensors(readTree(new MemorySource(bytes)).tree),
    );
    assert.ok(refused > times / 4, `${refused} refused`);
  });
}

for (const name of ["torch-1.13", "training-1.13"]) {
  test(`mutated pickles of ${name} in an archive with the right checksums are read or refused, never worse`, (t) => {
    const source = new MemorySource(readFileSync(fixture(`${name}.pth`)));
    const files: Record<string, Uint8Array> = {};
    for (const [entry, place] of readZipDirectory(source)) files[entry] = readEntry(source, place);
    const path = `${name}/data.pkl`;
    const { readable, refused } = fuzz(t, files[path]!, 2000, [anyBytes, anySwap, anyPickledNumber], (bytes) =>
      checkTensors(readTorchArchive(new MemorySource(zipOf({ ...files, [path]: bytes })))),
    );
    assert.ok(refused > 500 && readable > 50, `${readable} readable, ${refused} refused`);
  });
}

test("mutated pickles without any file around them are read or refused, never worse", (t) => {
  const source = new MemorySource(readFileSync(fixture("training-1.13.pth")));
  const pickle = readEntry(source, readZipDirectory(source).get("training-1.13/data.pkl")!);
  const persistentLoad = (id: Tuple) => {
    const { key, view, ...storage } = readStorageId(id, "a pickle");
    return new StorageHandle({ ...storage, chunks: () => [] }, key, view);
  };
  const { readable, refused } = fuzz(t, pickle, 10_000, [anyBytes, anySwap, anyPickledNumber], (bytes) =>
    checkTensors(readPickle(new MemorySource(bytes), { what: "a pickle", persistentLoad }).value),
  );
  assert.ok(refused > 2000 && readable > 500, `${readable} readable, ${refused} refused`);
});
