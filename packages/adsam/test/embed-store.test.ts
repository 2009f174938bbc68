import assert from "node:assert/strict";
import { chmodSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { headerBytes, payloadBytes, storeBytes } from "../src/data/embeddings/record.js";
import { payloadOf, pictureId, present, shardFiles, storesForTests, tinyDescription } from "./embed-fixtures.js";

const description = tinyDescription();
const { freshRoot, openStore, filled } = storesForTests("embed-store");

describe("sizes", () => {
  const shape = [256, 64, 64] as const;

  test("one of SAM's embeddings: 2 MiB in 16 bits, 1 MiB and the channels' scales in 8", () => {
    assert.equal(payloadBytes({ dtype: "float16", shape }), 2 ** 21);
    assert.equal(payloadBytes({ dtype: "bfloat16", shape }), 2 ** 21);
    assert.equal(payloadBytes({ dtype: "int8", shape }), 2 ** 20 + 256 * 8);
  });

  test("Cityscapes' 2975 training pictures and their mirror images: at most 12.5 GB, in int8 6.5 GB", () => {
    const float16 = storeBytes({ dtype: "float16", shape }, 2975 * 2);
    const int8 = storeBytes({ dtype: "int8", shape }, 2975 * 2);
    assert.equal(float16, 5950 * (2 ** 21 + 128) + 12 * 128); // 511 records to a shard of 1 GiB
    assert.equal(int8, 5950 * (2 ** 20 + 2048 + 128) + 6 * 128); // 1021
    assert.ok(float16 < 12.5e9 && int8 < 6.5e9);
  });

  test("are what a store takes on disk", () => {
    const at = freshRoot();
    filled(at, 7);
    using store = openStore(at);
    assert.equal(store.bytes, storeBytes(description.storage, 14));
  });
});

describe("an embedding store", () => {
  test("gives back what was written, the picture and its mirror image apart, also when opened again", () => {
    const at = freshRoot();
    filled(at, 3);
    using store = openStore(at);
    assert.deepEqual([store.size, present(store, 3)], [6, 6]);
    assert.equal(store.has(pictureId(3)), false);
    assert.equal(store.read(pictureId(3)), undefined);
    const into = new Uint8Array(store.payloadBytes);
    assert.equal(store.read(pictureId(1, true), into), into);
    assert.deepEqual([store.damaged, store.faults], [[], []]);
  });

  test("refresh sees what another writer appended, and makes no file of its own", () => {
    const at = freshRoot();
    using reader = openStore(at);
    using writer = openStore(at);
    assert.equal(reader.refresh(), 0);
    for (let i = 0; i < 3; i++) {
      writer.write(pictureId(i), payloadOf(pictureId(i)));
      assert.equal(reader.has(pictureId(i)), false);
      assert.deepEqual([reader.refresh(), reader.refresh()], [1, 0]);
      assert.deepEqual(reader.read(pictureId(i)), payloadOf(pictureId(i)));
    }
    assert.equal(shardFiles(reader, ".data").length, 1);
  });

  test("opened for reading writes nothing, and needs no permission to", () => {
    const at = freshRoot();
    const { folder } = filled(at, 2);
    for (const part of ["shards", "."]) chmodSync(path.join(folder, part), 0o555);
    try {
      using store = openStore(at, { mode: "read" });
      assert.equal(present(store, 2), 4);
      assert.throws(() => store.write(pictureId(9), payloadOf(pictureId(9))), /it was opened for reading/);
    } finally {
      for (const part of [".", "shards"]) chmodSync(path.join(folder, part), 0o755);
    }
    assert.throws(
      () => openStore(freshRoot(), { mode: "read" }),
      /found no manifest\.json, expected a store that `adsam embed` made/,
    );
  });

  test("takes only embeddings of its size", () => {
    using store = openStore(freshRoot());
    assert.throws(() => store.write(pictureId(0), new Uint8Array(7)), /7 bytes in a store of 60 each/);
  });
});

describe("a writer killed at any byte", () => {
  const at = freshRoot();
  const count = 4;
  const whole = filled(at, count);
  const [data, index] = [".data", ".index"].map((kind) => shardFiles(whole, kind as ".data")[0]!) as [string, string];
  const record = headerBytes + whole.payloadBytes;
  const [dataBytes, indexBytes] = [readFileSync(data), readFileSync(index)];

  /** A store whose only shard ends there. */
  function cut(dataEnd: number, indexEnd: number, copy = copyOf(at)): string {
    writeFileSync(data.replace(at, copy), dataBytes.subarray(0, dataEnd));
    writeFileSync(index.replace(at, copy), indexBytes.subarray(0, indexEnd));
    return copy;
  }

  function copyOf(root: string): string {
    const copy = freshRoot();
    cpSync(root, copy, { recursive: true });
    return copy;
  }

  test("of the data: every record before stays, whether the index knows it yet or not", () => {
    const copy = copyOf(at);
    for (let end = 0; end <= dataBytes.length; end++) {
      const complete = Math.max(0, Math.floor((end - headerBytes) / record));
      for (const entries of new Set([complete, Math.max(0, complete - 1)])) {
        cut(end, (1 + entries) * headerBytes, copy);
        using store = openStore(copy);
        assert.deepEqual([store.size, present(store, count), store.damaged], [complete, complete, []], `byte ${end}`);
      }
    }
  });

  test("of the index: nothing is lost", () => {
    const copy = copyOf(at);
    for (let end = 0; end <= indexBytes.length; end++) {
      cut(dataBytes.length, end, copy);
      using store = openStore(copy);
      assert.equal(present(store, count), 2 * count, `byte ${end}`);
    }
  });

  test("of a record whose end reached the file before its middle, as network file systems may do: it does not count", () => {
    const copy = cut(headerBytes + 3 * record, 3 * headerBytes);
    const file = data.replace(at, copy);
    const bytes = readFileSync(file);
    bytes.fill(0, headerBytes + 2 * record + headerBytes, headerBytes + 3 * record - 5);
    writeFileSync(file, bytes);
    using store = openStore(copy);
    assert.deepEqual([store.size, present(store, count), store.damaged], [2, 2, []]);
    // Its writer lives, and goes on.
    writeFileSync(file, dataBytes);
    writeFileSync(index.replace(at, copy), indexBytes);
    assert.deepEqual([store.refresh(), present(store, count)], [2 * count - 2, 2 * count]);
  });

  test("and started again: the store is complete, and the torn shard is left as it was", () => {
    const end = headerBytes + 3 * record + 17;
    const copy = cut(end, 4 * headerBytes + 5);
    using store = openStore(copy);
    for (let i = 0; i < count; i++)
      for (const mirrored of [false, true]) {
        const id = pictureId(i, mirrored);
        if (!store.has(id)) store.write(id, payloadOf(id));
      }
    store.close();
    assert.deepEqual(readFileSync(data.replace(at, copy)), dataBytes.subarray(0, end));
    using again = openStore(copy);
    assert.deepEqual([again.size, present(again, count)], [2 * count, 2 * count]);
  });
});
