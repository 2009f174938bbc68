import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { MemorySink } from "../src/io/byte-sink.js";
import { elementBytes, type StoredDtype } from "../src/io/dtypes.js";
import { type StorageRecord, TensorRecord } from "../src/io/tensor-record.js";
import { planTorchArchive } from "../src/io/torch-archive-writer.js";
import { Tuple, type WritableTree } from "../src/io/tree.js";
import { ZipWriter } from "../src/io/zip-writer.js";

/** A file of `test/io-fixtures`, from the compiled test in `dist/test`. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../../test/io-fixtures/${name}`, import.meta.url));
}

/** A folder that goes with the test. */
export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "adsam-io-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A Python that can import `module`, or undefined. Asked once for each. */
export function pythonWith(module: string): string | undefined {
  if (!pythons.has(module)) {
    const candidates = [process.env.ADSAM_TEST_PYTHON, "/usr/bin/python3", "python3"].filter(
      (path) => path !== undefined,
    );
    pythons.set(
      module,
      candidates.find((path) => spawnSync(path, ["-c", `import ${module}`]).status === 0),
    );
  }
  return pythons.get(module);
}

const pythons = new Map<string, string | undefined>();

/** What a Python script prints; an exception there fails the test with its last lines. */
export function runPython(python: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: "utf8", maxBuffer: 64 << 20 });
  if (status !== 0) throw new Error(`${python} ${args.join(" ")}:\n${stderr.slice(-2000)}`);
  return stdout;
}

export function memoryStorage(dtype: StoredDtype, bytes: Uint8Array): StorageRecord {
  return { dtype, byteLength: bytes.length, chunks: () => [bytes] };
}

/** A float32 tensor of the values. */
export function floats(shape: readonly number[], values: readonly number[]): TensorRecord {
  const bytes = new Uint8Array(Float32Array.from(values).buffer);
  return new TensorRecord({ dtype: "float32", shape, storage: memoryStorage("float32", bytes) });
}

export function archiveOf(tree: WritableTree): Uint8Array {
  const sink = new MemorySink();
  planTorchArchive(tree).write(sink);
  return sink.bytes().slice();
}

/** A zip archive of any files, such as a hostile `data.pkl`. */
export function zipOf(files: Readonly<Record<string, Uint8Array | string>>): Uint8Array {
  const sink = new MemorySink();
  const zip = new ZipWriter(sink);
  for (const [name, content] of Object.entries(files)) {
    const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : content;
    zip.add(name, bytes.length, [bytes]);
  }
  zip.finish();
  return sink.bytes().slice();
}

/** The bytes of a tensor's elements in row-major order, fetched one by one through its strides. */
export function rowMajorBytes(record: TensorRecord): Buffer {
  const storage = Buffer.concat([...record.storage.chunks()]);
  const size = elementBytes(record.dtype);
  const elements: Buffer[] = [];
  const visit = (axis: number, at: number): void => {
    if (axis === record.shape.length) elements.push(storage.subarray(at * size, (at + 1) * size));
    else for (let i = 0; i < record.shape[axis]!; i++) visit(axis + 1, at + i * record.stride[axis]!);
  };
  visit(0, record.offset);
  return Buffer.concat(elements);
}

/** The tree as `io-fixtures/checkpoints.py describe` writes it: every value, its kind, and which tensors share a storage. */
export function describeTree(value: unknown, storages = new Map<StorageRecord, number>()): unknown {
  const describe = (item: unknown) => describeTree(item, storages);
  if (value instanceof TensorRecord) {
    if (value.numel > 0 && !storages.has(value.storage)) storages.set(value.storage, storages.size);
    return {
      tensor: value.dtype,
      shape: value.shape,
      stride: value.stride,
      storage: value.numel > 0 ? storages.get(value.storage) : null,
      parameter: value.parameter,
      bytes: rowMajorBytes(value).toString("hex"),
    };
  }
  if (value instanceof Map) return { dict: [...value].map(([key, item]) => [describe(key), describe(item)]) };
  if (value instanceof Tuple) return { tuple: Array.from(value, describe) };
  if (Array.isArray(value)) return { list: value.map(describe) };
  if (value instanceof Uint8Array) return { raw: Buffer.from(value).toString("hex") };
  if (typeof value === "bigint") return { integer: String(value) };
  if (typeof value !== "number") return value;
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return { number: bytes.toString("hex") };
}
