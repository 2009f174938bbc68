import assert from "node:assert/strict";
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { MemorySource } from "../src/io/byte-source.js";
import { elementBytes, type StoredDtype } from "../src/io/dtypes.js";
import { openCheckpoint } from "../src/io/index.js";
import { readTree } from "../src/io/read-tree.js";
import { TensorRecord } from "../src/io/tensor-record.js";
import { native } from "../src/native.js";
import { scope } from "../src/scope.js";
import { Tensor } from "../src/tensor.js";
import { fuzz } from "./fuzz.js";
import {
  archiveAround,
  archiveOriginal,
  legacyOriginal,
  type Original,
  pickleOriginal,
  safetensorsOriginal,
} from "./io-fuzz-originals.js";
import { rowMajorBytes } from "./io-helpers.js";

// Each mutated file goes the whole way: written, recognised, parsed, mapped by the addon, and every element of every tensor is read and
// compared with the bytes that the file has for it, fetched one by one. A tensor that reached outside would show other bytes, or end the process.

const TIMES = 10_000;

/** Memory where there is one as a folder: a disk would be written to forty thousand times. */
const folder = mkdtempSync(join(memoryFolder() ?? tmpdir(), "adsam-fuzz-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function memoryFolder(): string | undefined {
  try {
    accessSync("/dev/shm", constants.W_OK);
    return "/dev/shm";
  } catch {
    return undefined;
  }
}

function leavesOf<T>(value: unknown, type: abstract new (...args: never[]) => T, found: T[] = []): T[] {
  if (value instanceof type) found.push(value);
  else if (value instanceof Map || Array.isArray(value)) for (const item of value.values()) leavesOf(item, type, found);
  return found;
}

/** The elements in row-major order, copied: a buffer over the tensor's own memory would keep the mapping alive. */
function bytesOf(tensor: Tensor): Buffer {
  const bytes = Buffer.alloc(tensor.numel * elementBytes(tensor.dtype as StoredDtype));
  native().copyBytes(tensor.contiguous().id, bytes);
  return bytes;
}

/** Larger than any tensor of the originals: what a mutation of a stride makes of them repeats a few elements, and is not read whole. */
const READ_AT_MOST = 10_000;

let elements = 0;

function readWhole(path: string, bytes: Uint8Array, copy: boolean): void {
  writeFileSync(path, bytes);
  scope(() => {
    const tensors = leavesOf(openCheckpoint(path, { verify: false, copy }).tree, Tensor);
    const records = leavesOf(readTree(new MemorySource(bytes), { verify: false }).tree, TensorRecord);
    assert.equal(tensors.length, records.length);
    for (const [i, tensor] of tensors.entries()) {
      const record = records[i]!;
      assert.deepEqual([tensor.dtype, tensor.shape], [record.dtype, record.shape]);
      if (tensor.numel > READ_AT_MOST) continue;
      const expected = rowMajorBytes(record);
      const found = bytesOf(tensor);
      assert.ok(
        found.equals(record.dtype === "bool" ? expected.map((byte) => Number(byte !== 0)) : expected),
        "other bytes than the file's",
      );
      elements += tensor.numel;
    }
  });
}

function fuzzFiles(
  name: string,
  { file, mutations }: Original,
  wrap: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes,
): void {
  test(`mutated files are read to the last element or refused: ${name}`, (t) => {
    const path = join(folder, "mutated");
    const live = native().liveTensors().count;
    elements = 0;
    let turn = 0;
    readWhole(path, wrap(file), false);
    assert.ok(elements > 0, "the original has elements");
    const { readable, refused } = fuzz(t, file, TIMES, mutations, (bytes) =>
      readWhole(path, wrap(bytes), turn++ % 4 === 0),
    );
    t.diagnostic(`${readable} were readable, with ${elements} elements`);
    assert.ok(readable > TIMES / 50 && refused > TIMES / 4, `${readable} readable, ${refused} refused`);
    assert.equal(native().liveTensors().count, live);
  });
}

fuzzFiles("safetensors", safetensorsOriginal());
fuzzFiles("PyTorch's archive", archiveOriginal());
fuzzFiles("PyTorch's form before 1.6", legacyOriginal());
fuzzFiles("a pickle in an archive with the right checksums", pickleOriginal(), archiveAround);
