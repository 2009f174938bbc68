import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { MemorySink } from "../src/io/byte-sink.js";
import { MemorySource } from "../src/io/byte-source.js";
import { elementBytes, STORED_DTYPES, safetensorsDtype } from "../src/io/dtypes.js";
import { readSafetensors } from "../src/io/safetensors-reader.js";
import { planSafetensors } from "../src/io/safetensors-writer.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import { Problem } from "../src/problem.js";
import { floats, memoryStorage, pythonWith, rowMajorBytes, runPython, temporaryFolder } from "./io-helpers.js";

function fileOf(tensors: ReadonlyMap<string, TensorRecord>, metadata?: Record<string, string>): Uint8Array {
  const sink = new MemorySink();
  const plan = planSafetensors(tensors, metadata);
  plan.write(sink);
  assert.equal(sink.position, plan.byteLength);
  return sink.bytes();
}

/** A file with this header and so many bytes of data. */
function raw(header: string, dataLength: number): Uint8Array {
  const json = Buffer.from(header);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  return Buffer.concat([length, json, Buffer.alloc(dataLength)]);
}

function allDtypes(): Map<string, TensorRecord> {
  const tensors = new Map<string, TensorRecord>();
  for (const [i, dtype] of [...STORED_DTYPES].reverse().entries()) {
    const bytes = Uint8Array.from({ length: 3 * elementBytes(dtype) }, (_, k) => (dtype === "bool" ? k % 2 : i + k));
    tensors.set(`layer.${dtype}`, new TensorRecord({ dtype, shape: [3, 1], storage: memoryStorage(dtype, bytes) }));
  }
  tensors.set("scalar", floats([], [2.5]));
  tensors.set("empty", floats([2, 0, 3], []));
  return tensors;
}

const summary = (tensors: ReadonlyMap<string, TensorRecord>) =>
  [...tensors].map(([name, record]) => ({
    name,
    dtype: record.dtype,
    shape: record.shape,
    bytes: rowMajorBytes(record).toString("hex"),
  }));

test("all dtypes, a scalar and an empty tensor survive, in order, with their metadata", () => {
  const read = readSafetensors(new MemorySource(fileOf(allDtypes(), { format: "pt", note: 'says "hé"' })));
  assert.deepEqual(summary(read.tensors), summary(allDtypes()));
  assert.deepEqual(
    read.metadata,
    new Map([
      ["format", "pt"],
      ["note", 'says "hé"'],
    ]),
  );
});

test("each tensor is aligned to its element, whatever the order of the names", () => {
  for (const { dtype, storage } of readSafetensors(new MemorySource(fileOf(allDtypes()))).tensors.values()) {
    assert.equal(storage.byteOffset! % elementBytes(dtype), 0, dtype);
  }
});

test("the bytes of a small file are those the format describes", () => {
  const file = Buffer.from(fileOf(new Map([["w", floats([1, 2], [1, -2])]])));
  const header = '{"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}'; // 56 bytes, a multiple of 8
  assert.equal(file.toString("latin1"), `\x38${"\0".repeat(7)}${header}\0\0\x80\x3f\0\0\0\xc0`);
});

test("a view is refused: its storage is not its rows", () => {
  const { storage } = floats([2, 3], [1, 2, 3, 4, 5, 6]);
  const view = new TensorRecord({ dtype: "float32", shape: [3, 2], stride: [1, 3], storage });
  assert.throws(
    () => fileOf(new Map([["w", view]])),
    /saving tensor "w" as safetensors: found a view with stride \[1, 3\]/,
  );
});

test("headers that lie are refused", () => {
  const at = (start: number, end: number, rest = '"dtype":"F32","shape":[2]') =>
    `{${rest},"data_offsets":[${start},${end}]}`;
  const cases: [string, number, RegExp][] = [
    [`{"a":${at(0, 8)},"b":${at(4, 12)}}`, 12, /tensor "b": found bytes that another tensor has as well/],
    [`{"a":${at(0, 8)},"b":${at(12, 20)}}`, 20, /tensor "b": found 4 bytes before it that no tensor has/],
    [`{"a":${at(8, 16)}}`, 16, /8 bytes before it/],
    [`{"a":${at(0, 8)}}`, 9, /1 bytes after the last tensor/],
    ["{}", 1, /1 bytes after the last tensor/],
    [`{"a":${at(0, 8)}}`, 4, /data_offsets \[0,8\], expected two numbers in order, at most 4/],
    [`{"a":${at(8, 0)}}`, 8, /two numbers in order/],
    [`{"a":${at(0, 4)}}`, 4, /found 4 bytes, expected 8 for float32 \[2\]/],
    [`{"a":${at(0, 8)},"a":${at(0, 8)}}`, 8, /the name "a" twice/],
    [`{"a":${at(0, 8)},"\\u0061"${" ".repeat(200)}:${at(0, 8)}}`, 8, /the name "a" twice/],
    [`{"a":${at(0, 8, '"dtype":"F32","dtype":"U8","shape":[2]')}}`, 8, /the name "dtype" twice/],
    [
      `{"a":${at(0, 8, '"dtype":"F8_E4M3","shape":[8]')}}`,
      8,
      /tensor "a": found dtype "F8_E4M3", expected one of F64, F32/,
    ],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[-2]')}}`, 8, /dimension of size -2/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[0.5]')}}`, 8, /dimension of size 0.5/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[4294967296,4294967296,0]')}}`, 8, /fewer than 2\^53 elements/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":"2"')}}`, 8, /without shape/],
    ['{"a":{"dtype":"F32","shape":[2]}}', 8, /without shape and two data_offsets/],
    ['{"a":[1]}', 0, /found no dtype/],
    ['{"__metadata__":{"a":1}}', 0, /metadata "a" that is no text/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":["2"]')}}`, 8, /an item of shape or data_offsets that is no number/],
    [`{"a":${at(0, 8, `"dtype":"F32","shape":[${"1,".repeat(64)}2]`)}}`, 8, /more than 64 dimensions/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[2],"stride":[1]')}}`, 8, /the field "stride", expected dtype, shape and/],
    [`{"a":${at(0, 8, '"dtype":7,"shape":[2]')}}`, 8, /the field "dtype"/],
    [`{"${"a".repeat(5000)}":${at(0, 8)}}`, 8, /a name of 5000 bytes, expected at most 4096/],
    [`{"a":${at(0, 8)}} x`, 8, /no JSON/],
    [`{"a":${at(0, 8)},}`, 8, /no JSON/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[02]')}}`, 8, /no JSON/],
    [`{"a":${at(0, 8, '"dtype":"F32","shape":[2,]')}}`, 8, /that is no number/],
    ['{"a\\q":1}', 0, /no JSON/],
    ['{"a\n":1}', 0, /no JSON/],
    ["{a:1}", 0, /no JSON/],
    ['{"__metadata__":{"a":nul}}', 0, /no JSON/],
    ['{"__metadata__":["a"]}', 0, /metadata/],
    ["[1, 2]", 0, /no JSON object/],
    ['{"a":', 0, /no JSON/],
    [`{"__metadata__":{"a":${"[".repeat(50)}${"]".repeat(50)}}}`, 0, /nested deeper than four/],
  ];
  for (const [header, length, expected] of cases) {
    assert.throws(
      () => readSafetensors(new MemorySource(raw(header, length))),
      (error) => {
        assert.ok(error instanceof Problem, String(error));
        assert.match(error.message, expected, header);
        return true;
      },
    );
  }
});

test("a header too long, or longer than the file, is refused before it is read", () => {
  const length = Buffer.alloc(16, "{");
  length.writeBigUInt64LE(BigInt((16 << 20) + 1));
  assert.throws(
    () => readSafetensors(new MemorySource(length)),
    /a header of 16777217 bytes, expected at most 16777216/,
  );
  length.writeBigUInt64LE(100n);
  assert.throws(
    () => readSafetensors(new MemorySource(length)),
    /found 16 bytes with a header of 100, expected a whole file/,
  );
  length.writeBigUInt64LE(2n ** 64n - 1n);
  assert.throws(() => readSafetensors(new MemorySource(length)), Problem);
});

test("names that mean something to JavaScript are names", () => {
  const tensors = new Map(["__proto__", "constructor", "7", "a.b"].map((name, i) => [name, floats([1], [i])]));
  const read = readSafetensors(new MemorySource(fileOf(tensors))).tensors;
  assert.deepEqual(new Set(read.keys()), new Set(tensors.keys()));
  for (const [name, record] of tensors) assert.deepEqual(rowMajorBytes(read.get(name)!), rowMajorBytes(record));
});

const python = pythonWith("safetensors");

test("the safetensors package reads what is written here", {
  skip: python === undefined ? "no Python with safetensors" : false,
}, (t) => {
  const path = join(temporaryFolder(t), "ours.safetensors");
  writeFileSync(path, fileOf(allDtypes(), { format: "pt" }));
  const code =
    "import sys, json, safetensors as s; print(json.dumps([[n, d['dtype'], d['shape'], bytes(d['data']).hex()] for n, d in s.deserialize(open(sys.argv[1], 'rb').read())]))";
  const theirs = JSON.parse(runPython(python!, ["-c", code, path])) as string[][];
  const ours = [...allDtypes()].map(([name, r]) => [
    name,
    safetensorsDtype(r.dtype),
    r.shape,
    rowMajorBytes(r).toString("hex"),
  ]);
  assert.deepEqual(new Map(theirs.map((row) => [row[0], row])), new Map(ours.map((row) => [row[0], row])));
});
