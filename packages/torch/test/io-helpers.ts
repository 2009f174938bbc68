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

/** Pieces of a pickle of protocol 2, in latin1. */
export const pickled = {
  text: (value: string) => `X${latin1("u32", value.length)}${value}`,
  int: (value: number) => `J${latin1("i32", value)}`,
  /** Any whole number (LONG1). */
  long(value: bigint): string {
    const bytes = Buffer.alloc(16);
    bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
    bytes.writeBigInt64LE(value >> 64n, 8);
    return `\x8a\x10${bytes.toString("latin1")}`;
  },
  tuple: (...items: readonly string[]) => `(${items.join("")}t`,
  list: (...items: readonly string[]) => `](${items.join("")}e`,
  global: (module: string, name: string) => `c${module}\n${name}\n`,
  /** The storage that a tensor stands on. `numel` and `view` are pickled values. */
  storage: (key: string, numel: string, { type = "FloatStorage", location = "cpu", view = "" } = {}) =>
    `(${pickled.text("storage")}ctorch\n${type}\n${pickled.text(key)}${pickled.text(location)}${numel}${view}tQ`,
  tensor: (storage: string, shape: readonly number[], stride: readonly number[], offset = 0) =>
    `ctorch._utils\n_rebuild_tensor_v2\n(${storage}${pickled.int(offset)}${pickled.tuple(...shape.map(pickled.int))}` +
    `${pickled.tuple(...stride.map(pickled.int))}\x89ccollections\nOrderedDict\n)RtR`,
  whole: (body: string) => `\x80\x02${body}.`,
};

function latin1(kind: "u32" | "i32", value: number): string {
  const bytes = Buffer.alloc(4);
  if (kind === "u32") bytes.writeUInt32LE(value);
  else bytes.writeInt32LE(value);
  return bytes.toString("latin1");
}

export interface LegacyParts {
  /** The pickle of the tree, without its PROTO and STOP. */
  readonly body: string;
  /** Behind the tree, in this order: key, number of elements, bytes. */
  readonly storages?: readonly (readonly [key: string, numel: bigint, bytes: Uint8Array])[];
  readonly protocol?: number;
  readonly littleEndian?: boolean;
  /** In the place of the pickled list of keys. */
  readonly keys?: string;
}

/** A file in the form of torch.save before 1.6, true or hostile. */
export function legacyOf({ body, storages = [], protocol = 1001, littleEndian = true, keys }: LegacyParts): Buffer {
  const { text, int, list, whole } = pickled;
  const machine = `}(${text("protocol_version")}${int(protocol)}${text("little_endian")}${littleEndian ? "\x88" : "\x89"}u`;
  const head = [
    whole("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"),
    whole(int(protocol)),
    whole(machine),
    whole(body),
    whole(keys ?? list(...storages.map(([key]) => text(key)))),
  ];
  const parts: Uint8Array[] = [Buffer.from(head.join(""), "latin1")];
  for (const [, numel, bytes] of storages) {
    const length = Buffer.alloc(8);
    length.writeBigInt64LE(numel);
    parts.push(length, bytes);
  }
  return Buffer.concat(parts);
}

/** The bytes of a tensor's elements in row-major order, fetched one by one through its strides. */
export function rowMajorBytes(record: TensorRecord): Buffer {
  const storage = Buffer.concat([...record.storage.chunks()]);
  const size = elementBytes(record.dtype);
  const elements: Buffer[] = [];
  if (record.numel === 0) return Buffer.alloc(0); // of any shape, such as [2147483647, 0]
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
