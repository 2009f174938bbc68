import assert from "node:assert/strict";
import { cpSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, test } from "node:test";
import { type EmbeddingDescription, formatVersion } from "../src/data/embeddings/description.js";
import { headerBytes, payloadBytes } from "../src/data/embeddings/record.js";
import { writeBytes } from "../src/data/embeddings/shard-writer.js";
import { payloadOf, pictureId, present, shardFiles, storesForTests, tinyDescription } from "./embed-fixtures.js";

const description = tinyDescription();
const { freshRoot, openStore, filled } = storesForTests("embed-store-faults");

describe("damage", () => {
  /** Changes one byte of a file. */
  function flip(file: string, at: number): void {
    const bytes = readFileSync(file);
    bytes[at]! ^= 16;
    writeFileSync(file, bytes);
  }

  test("in a payload: the record is told, dropped, and may be written anew; the copy then stands in", () => {
    const at = freshRoot();
    const record = headerBytes + filled(at, 3).payloadBytes;
    using store = openStore(at);
    const data = shardFiles(store, ".data")[0]!;
    flip(data, headerBytes + 2 * record + headerBytes + 11); // picture 1
    assert.equal(store.read(pictureId(1)), undefined);
    assert.equal(store.has(pictureId(1)), false);
    assert.deepEqual(store.damaged, [{ id: pictureId(1), shard: path.basename(data, ".data"), ordinal: 2 }]);
    assert.equal(present(store, 3), 5);
    store.write(pictureId(1), payloadOf(pictureId(1)));
    assert.equal(present(store, 3), 6);
    using again = openStore(at);
    assert.equal(present(again, 3), 6);
    // Once more where the damaged one comes first; it is never given out.
    assert.ok(again.damaged.length <= 1);
  });

  test("in an entry of the index: the data says the same", () => {
    const at = freshRoot();
    filled(at, 3);
    using store = openStore(at);
    flip(shardFiles(store, ".index")[0]!, 3 * headerBytes + 20);
    using again = openStore(at);
    assert.deepEqual([again.size, present(again, 3), again.faults], [6, 6, []]);
  });

  test("in a record's header in both places: that record is lost, and told", () => {
    const at = freshRoot();
    const record = headerBytes + filled(at, 3).payloadBytes;
    using store = openStore(at);
    flip(shardFiles(store, ".index")[0]!, 3 * headerBytes + 20);
    flip(shardFiles(store, ".data")[0]!, headerBytes + 2 * record + 20);
    using again = openStore(at);
    assert.equal(present(again, 3), 5);
    assert.match(again.faults.join(), /shard "[\w-]+": 1 unreadable record$/);
  });

  test("a file cut short or deleted while it is read", () => {
    const at = freshRoot();
    filled(at, 3);
    using store = openStore(at);
    assert.ok(store.read(pictureId(2)));
    truncateSync(shardFiles(store, ".data")[0]!, 200);
    assert.equal(store.read(pictureId(2)), undefined);
    assert.equal(store.damaged.length, 1);
  });

  test("something else among the shards is passed over, and told", () => {
    const at = freshRoot();
    const { folder } = filled(at, 1);
    writeFileSync(path.join(folder, "shards", "notes.data"), "x".repeat(500));
    using store = openStore(at);
    assert.equal(present(store, 1), 2);
    assert.deepEqual(store.faults, ['shard "notes" is passed over: it begins with no shard header']);
  });
});

describe("stores that must not be mixed", () => {
  const others: [string, EmbeddingDescription][] = [
    ["other weights", tinyDescription({ weights: "b".repeat(64) })],
    ["another size", tinyDescription({ width: 64 })],
    ["another dtype", tinyDescription({ dtype: "int8" })],
    [
      "another precision",
      { ...description, preprocessing: { ...description.preprocessing, precision: "bfloat16" as const } },
    ],
  ];
  for (const [what, other] of others)
    test(`${what}: a store of its own under the same root`, () => {
      const at = freshRoot();
      const { folder } = filled(at, 2);
      using store = openStore(at, { description: other });
      assert.notEqual(store.folder, folder);
      assert.equal(store.size, 0);
      // and where a folder was moved by hand, it is refused
      store.close();
      rmSync(store.folder, { recursive: true });
      cpSync(folder, store.folder, { recursive: true });
      assert.throws(
        () => openStore(at, { description: other }),
        /found embeddings of another kind \(.+ instead of .+\)/,
      );
    });

  test("a shard that was moved into another store is passed over", () => {
    const at = freshRoot();
    filled(at, 2);
    using from = openStore(at);
    using store = openStore(at, { description: others[0]![1] });
    for (const kind of [".data", ".index"] as const)
      for (const file of shardFiles(from, kind)) cpSync(file, path.join(store.folder, "shards", path.basename(file)));
    assert.equal(store.refresh(), 0);
    assert.match(store.faults.join(), /it belongs to the store of another encoder, preprocessing or dtype/);
  });

  test("the encoder's name is for people: it decides the folder, and nothing that is read", () => {
    const at = freshRoot();
    const { folder } = filled(at, 2);
    const renamed = { ...description, encoder: { ...description.encoder, name: "my own" } };
    const other = openStore(at, { description: renamed });
    other.close();
    assert.match(path.basename(other.folder), /^my_own-32x48-float16-[0-9a-f]{12}$/);
    rmSync(other.folder, { recursive: true });
    renameSync(folder, other.folder);
    using store = openStore(at, { description: renamed });
    assert.equal(present(store, 2), 4);
  });

  test("a manifest of another version, or none of ours, is refused in a sentence that says what to do", () => {
    const at = freshRoot();
    const { folder } = filled(at, 1);
    const file = path.join(folder, "manifest.json");
    const manifest = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...manifest, version: formatVersion + 1 }));
    const told = `embedding store "${folder}": found format version 2, expected 1. Delete the folder "${folder}" to compute its embeddings anew, or name another folder (--store of adsam embed; data.embeddings in training, where null does without).`;
    assert.throws(() => openStore(at), { name: "Problem", message: told });
    for (const text of ["", "{", "[]", "null", '{"format":"x"}']) {
      writeFileSync(file, text);
      assert.throws(() => openStore(at), /found a manifest\.json that is none of ours, or damaged/, text);
    }
    for (const wrong of [{ description: null }, { description: { encoder: {} } }, { key: "0" }]) {
      writeFileSync(file, JSON.stringify({ ...manifest, ...wrong }));
      assert.throws(() => openStore(at), { name: "Problem" }, JSON.stringify(wrong));
    }
  });
});

describe("a disk that is full", () => {
  /** Fails once so many bytes were written, in the midst of a piece. */
  function limited(limit: number) {
    const state = { left: limit };
    return {
      state,
      writeBytes: (fd: number, bytes: Uint8Array, at: number): void => {
        const fits = Math.min(bytes.length, state.left);
        state.left -= fits;
        writeBytes(fd, bytes.subarray(0, fits), at);
        if (fits < bytes.length) throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
      },
    };
  }

  test("at every byte: a clear message, what was stored stays whole, and writing goes on when there is space again", () => {
    const record = headerBytes + payloadBytes(description.storage);
    for (let limit = 0; limit < 700; limit += 17) {
      const at = freshRoot();
      const { state, writeBytes } = limited(limit);
      const store = openStore(at, { writeBytes });
      let written = 0;
      assert.throws(
        () => {
          for (; ; written++) store.write(pictureId(written), payloadOf(pictureId(written)));
        },
        {
          name: "Problem",
          message: /cannot be written: found no space left on the disk\. What was stored before is whole/,
        },
      );
      assert.ok(
        shardFiles(store, ".data").every((file) => (statSync(file).size - headerBytes) % record === 0),
        "no half record",
      );
      assert.ok(
        shardFiles(store, ".index").every((file) => statSync(file).size % headerBytes === 0),
        "no half entry",
      );
      state.left = 10_000;
      using other = openStore(at);
      assert.ok(present(other, 20) - written <= 1, `${limit}`); // the record may be whole where its entry in the index is not
      for (let i = 0; i < 5; i++) if (!store.has(pictureId(i))) store.write(pictureId(i), payloadOf(pictureId(i)));
      store.close();
      using again = openStore(at);
      assert.ok(present(again, 20) >= 5);
      assert.deepEqual([again.damaged, again.faults], [[], []]);
    }
  });
});
