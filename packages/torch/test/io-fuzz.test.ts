import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MemorySink } from "../src/io/byte-sink.js";
import { MemorySource } from "../src/io/byte-source.js";
import { readSafetensors } from "../src/io/safetensors-reader.js";
import { planSafetensors } from "../src/io/safetensors-writer.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import { readTorchArchive } from "../src/io/torch-archive-reader.js";
import { readEntry, readZipDirectory } from "../src/io/zip-reader.js";
import { Problem } from "../src/problem.js";
import { archiveOf, fixture, floats, memoryStorage, zipOf } from "./io-helpers.js";

/** A small deterministic generator (mulberry32): whole numbers below `bound`. */
function random(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), state | 1);
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61);
    return ((value ^ (value >>> 14)) >>> 0) % bound;
  };
}

const EXTREMES = [0, 1, 0x7f, 0x80, 0xfe, 0xff];

/** One to four changes: bytes set, runs cut, doubled or zeroed, the end cut off. */
function mutate(original: Uint8Array, below: (bound: number) => number): Uint8Array {
  let bytes: Buffer = Buffer.from(original);
  for (let change = below(4); change >= 0 && bytes.length > 0; change--) {
    const at = below(bytes.length);
    const end = Math.min(bytes.length, at + 1 + below(16));
    const kinds = [
      () => bytes.writeUInt8(below(256), at),
      () => bytes.writeUInt8(EXTREMES[below(EXTREMES.length)]!, at),
      () => bytes.fill(EXTREMES[below(EXTREMES.length)]!, at, end),
      () => (bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)])),
      () => (bytes = Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)])),
      () => (bytes = bytes.subarray(0, at)),
    ];
    kinds[below(kinds.length)]!();
  }
  return bytes;
}

/** Reads mutations; each must be read or refused with a Problem, and the whole in a bounded time. */
function fuzz(
  original: Uint8Array,
  times: number,
  read: (bytes: Uint8Array) => unknown,
): { readable: number; refused: number } {
  const below = random(20251);
  let refused = 0;
  const start = performance.now();
  for (let i = 0; i < times; i++) {
    const bytes = mutate(original, below);
    try {
      read(bytes);
    } catch (error) {
      if (!(error instanceof Problem)) {
        assert.fail(`mutation ${i} threw ${(error as Error).stack}`);
      }
      refused++;
    }
  }
  assert.ok(performance.now() - start < 60_000, "mutations read too slowly");
  return { readable: times - refused, refused };
}

/** Walks every tensor's bytes' bounds as a user of the tree would. */
function checkTensors(value: unknown): void {
  if (value instanceof TensorRecord) for (const chunk of value.storage.chunks()) assert.ok(chunk.length >= 0);
  else if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) checkTensors(item);
}

test("mutated PyTorch archives are read or refused, never worse", () => {
  const archive = readFileSync(fixture("torch-1.13.pth"));
  const { refused } = fuzz(archive, 3000, (bytes) => checkTensors(readTorchArchive(new MemorySource(bytes))));
  assert.ok(refused > 2000, `${refused} refused`);
});

test("mutated archives without their checksums are read or refused, never worse", () => {
  const small = archiveOf({ weight: floats([2, 3], [1, 2, 3, 4, 5, 6]), list: [1, 2.5, "text", [null, true]] });
  const { readable, refused } = fuzz(small, 3000, (bytes) =>
    checkTensors(readTorchArchive(new MemorySource(bytes), { verify: false })),
  );
  assert.ok(refused > 1000 && readable > 100, `${readable} readable, ${refused} refused`);
});

test("mutated pickles are read or refused, never worse", () => {
  const source = new MemorySource(readFileSync(fixture("torch-1.13.pth")));
  const files: Record<string, Uint8Array> = {};
  for (const [name, entry] of readZipDirectory(source)) files[name] = readEntry(source, entry);
  const pickle = files["torch-1.13/data.pkl"]!;
  const { readable, refused } = fuzz(pickle, 4000, (bytes) =>
    checkTensors(readTorchArchive(new MemorySource(zipOf({ ...files, "torch-1.13/data.pkl": bytes })))),
  );
  assert.ok(refused > 1000 && readable > 100, `${readable} readable, ${refused} refused`);
});

test("mutated safetensors are read or refused, never worse", () => {
  const sink = new MemorySink();
  const bytes = Uint8Array.of(1, 0, 1);
  const flags = new TensorRecord({ dtype: "bool", shape: [3], storage: memoryStorage("bool", bytes) });
  planSafetensors(
    new Map([
      ["weight", floats([2, 3], [1, 2, 3, 4, 5, 6])],
      ["flags", flags],
    ]),
    { format: "pt" },
  ).write(sink);
  const { readable, refused } = fuzz(sink.bytes(), 5000, (mutated) => {
    for (const record of readSafetensors(new MemorySource(mutated)).tensors.values()) checkTensors(record);
  });
  assert.ok(refused > 2000 && readable > 100, `${readable} readable, ${refused} refused`);
});
